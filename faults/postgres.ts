/**
 * A PostgreSQL server that is stopped at once, loses backends, freezes, is cut off or has a full disk, and a client that is
 * killed inside a write, each while several processes record, reserve and administer. What was acknowledged as durable is
 * there, nothing is there twice, every call ends within its deadline, and all go on by themselves.
 */
import { chmodSync, existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { SQL } from 'bun'
import { connectLatchkey, type Latchkey } from '../src/index.ts'
import { type TemporaryFolder, temporaryFolder } from '../src/testing/folder.ts'
import { Cluster, whyNoServer } from '../src/testing/postgres-cluster.ts'
import { inCi } from '../src/testing/tools.ts'
import { type Fault, Tally } from './harness.ts'

export type Lane = 'event' | 'recorder' | 'record' | 'hold' | 'key'
export type State = 'sent' | 'done' | 'failed' | 'unknown' | 'took' | 'held' | 'settled'
/** The ids of the keys that each lane uses. */
export type ClerkKeys = Readonly<Record<Exclude<Lane, 'key'>, string>>

const lanes: readonly Lane[] = ['event', 'recorder', 'record', 'hold', 'key']
const clerks = 3
/** Making a connection may take five seconds, an answer seven more, and a read is asked for twice. */
const longestMs = 30_000

interface Scene {
  readonly server: Cluster
  readonly gate: Gate
  readonly folder: TemporaryFolder
  /** Of a new client in place of the first. */
  readonly replace: () => Promise<void>
}

interface Outage {
  readonly name: string
  readonly happens: (scene: Scene, round: number) => Promise<void>
  /** Whether the server forgets what it was not told to write. */
  readonly isCrash?: boolean
  /** The disk of the server is small. */
  readonly isSmall?: boolean
}

const moment = (mostMs: number) => Bun.sleep(Math.random() * mostMs)

const outages: readonly Outage[] = [
  {
    name: 'immediate stop',
    isCrash: true,
    happens: async ({ server }) => {
      await server.stop('immediate')
      await moment(2_000)
      await server.start()
    },
  },
  {
    name: 'killed backends',
    happens: async ({ server }) => {
      await using sql = new SQL(server.url('postgres'), { max: 1, tls: false })
      for (let n = 0; n < 10; n++) {
        await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'latchkey' AND random() < 0.5`
        await moment(200)
      }
    },
  },
  {
    name: 'frozen server',
    happens: async ({ server }) => {
      server.freeze()
      await Bun.sleep(6_000 + Math.random() * 4_000)
      server.thaw()
    },
  },
  {
    name: 'cut connection',
    happens: async ({ gate }, round) => {
      // What is sent is lost, and nobody is told; or all are told.
      if (round % 2 === 0) gate.silence()
      await Bun.sleep(round % 2 === 0 ? 6_000 + Math.random() * 3_000 : 0)
      gate.cut()
      await moment(1_000)
      gate.open()
    },
  },
  {
    name: 'full disk',
    isCrash: true,
    isSmall: true,
    happens: async ({ server, folder }) => {
      const filler = folder.file('filler')
      const { bavail, bsize } = statfsSync(folder.path)
      // What is left lasts for a moment.
      writeFileSync(filler, new Uint8Array(Math.max(0, bavail * bsize - 65_536)))
      await Bun.sleep(4_000 + Math.random() * 2_000)
      rmSync(filler)
      await Bun.sleep(500)
      // It ends if it cannot write its log, and whoever keeps it starts it again.
      if (!server.isRunning) await server.start()
    },
  },
  {
    name: 'client killed inside a write',
    happens: async ({ replace }) => {
      for (let n = 0; n < 3; n++) {
        await moment(300)
        await replace()
      }
    },
  },
]

export const postgres: readonly Fault[] = outages.map(outage => ({
  name: `postgres: ${outage.name}`,
  run: async count => {
    const why = whyNoServer() ?? (outage.isSmall === true ? whyNoMount() : null)
    if (why === null) return suffered(outage, Math.max(1, Math.round(count / 4)))
    return { figures: `skipped: ${why}`, losses: inCi ? [`${why}, and CI must not skip this`] : [] }
  },
}))

function whyNoMount(): string | null {
  return process.getuid?.() === 0 && Bun.which('mount') !== null ? null : 'this user cannot mount'
}

async function suffered(outage: Outage, rounds: number) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder())
  chmodSync(folder.path, 0o711)
  if (outage.isSmall === true) {
    const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=160m,mode=711', 'tmpfs', folder.path])
    if (!mounted.success) return { figures: '', losses: [`no small disk: ${mounted.stderr}`] }
    stack.defer(() => void Bun.spawnSync(['umount', '-l', folder.path]))
  }
  // Little space for its log, and nothing of it is written before somebody insists.
  const settings = { min_wal_size: '32MB', max_wal_size: '32MB', wal_writer_delay: '10s' }
  const server = stack.use(await Cluster.start(folder.file('server'), { durable: true, settings }))
  const gate = await Gate.before(server.port)
  stack.defer(() => gate.close())
  const path = server.url('postgres')
  const latchkey = connectLatchkey({ path, actor: { name: 'faults', origin: 'script' } })
  stack.defer(() => latchkey.close())
  await latchkey.initialize()
  const [event, recorder, record, hold] = await latchkey.keys.createMany(
    { name: 'shared', limits: [{ metric: 'requests', amount: 1e12, windowMs: 86_400_000 }] },
    4,
  )
  const keys: ClerkKeys = {
    event: event?.id ?? '',
    recorder: recorder?.id ?? '',
    record: record?.id ?? '',
    hold: hold?.id ?? '',
  }
  // On a disk of its own, so that it can be written when that of the server is full.
  const ledgers = stack.use(temporaryFolder())
  const all: Clerk[] = []
  const employ = async () => {
    const clerk = new Clerk(
      server.url('postgres').replace(/:\d+\//, `:${gate.port}/`),
      ledgers,
      all.length,
      keys,
    )
    all.push(clerk)
    await clerk.isReady
    return clerk
  }
  let [first, ...others] = await Promise.all(Array.from({ length: clerks }, employ))
  stack.defer(() => {
    for (const clerk of all) clerk.kill()
  })
  const replace = async () => {
    first?.kill()
    first = await employ()
  }
  const losses: string[] = []
  let downMs = 0
  for (let round = 0; round < rounds; round++) {
    await Promise.all([first, ...others].map(clerk => clerk?.goesOn()))
    await moment(1_500)
    await outage.happens({ server, gate, folder, replace }, round)
    const begun = performance.now()
    for (const clerk of [first, ...others]) {
      const late = await clerk?.goesOn()
      if (late !== undefined)
        losses.push(...late.map(lane => `round ${round}: ${clerk?.name} makes no ${lane} any more`))
    }
    downMs = Math.max(downMs, performance.now() - begun)
  }
  const ends = await Promise.all([first, ...others].map(clerk => clerk?.end()))
  for (const problem of ends) if (problem !== undefined && problem !== null) losses.push(problem)
  const books = all.map(clerk => clerk.book())
  const told = await compare(latchkey, keys, books, outage.isCrash === true)
  losses.push(...told.losses)
  const { asked, slowestMs, codes } = told
  return {
    figures: `${rounds} times under ${clerks} clients, ${asked} calls (${codes || 'none failed'}), the slowest ${slowestMs} ms, all back after ${Math.round(downMs)} ms${told.note}`,
    losses,
  }
}

/** What a clerk has written down. */
type Book = Readonly<Record<Lane, ReadonlyMap<State, readonly string[]>>>

class Clerk {
  readonly name: string
  readonly isReady: Promise<unknown>
  readonly #ledger: string
  readonly #child: Bun.Subprocess<'pipe', 'pipe', 'pipe'>

  constructor(url: string, ledgers: TemporaryFolder, number: number, keys: ClerkKeys) {
    this.name = `clerk${number}`
    this.#ledger = ledgers.file(this.name)
    const words = [join(import.meta.dir, 'clerk.ts'), url, this.#ledger, this.name, JSON.stringify(keys)]
    this.#child = Bun.spawn([process.execPath, ...words], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
    this.isReady = this.#child.stdout.getReader().read()
  }

  book(): Book {
    const book = Object.fromEntries(lanes.map(lane => [lane, new Map<State, string[]>()])) as Record<
      Lane,
      Map<State, string[]>
    >
    const text = existsSync(this.#ledger) ? readFileSync(this.#ledger, 'utf8') : ''
    // A line that was cut short was not written.
    for (const line of text.split('\n').slice(0, -1)) {
      const [lane, state, ...rest] = line.split(' ') as [Lane, State, ...string[]]
      const list = book[lane].get(state) ?? []
      list.push(rest.join(' '))
      book[lane].set(state, list)
    }
    return book
  }

  /** Waits until each lane has had an answer that it had not. @returns the lanes that have none in time */
  async goesOn(): Promise<readonly Lane[]> {
    const before = this.#answers()
    const deadline = performance.now() + longestMs
    for (;;) {
      const now = this.#answers()
      const silent = lanes.filter((_, at) => (now[at] ?? 0) <= (before[at] ?? 0))
      if (silent.length === 0 || performance.now() > deadline) return silent
      await Bun.sleep(20)
    }
  }

  #answers(): readonly number[] {
    const book = this.book()
    return lanes.map(lane => book[lane].get('done')?.length ?? 0)
  }

  /** Ends it normally. @returns what was wrong with that */
  async end(): Promise<string | null> {
    this.#child.stdin.end()
    const hangs = setTimeout(() => this.#child.kill('SIGKILL'), longestMs)
    const [err, code] = await Promise.all([this.#child.stderr.text(), this.#child.exited])
    clearTimeout(hangs)
    if (this.#child.signalCode !== null) return `${this.name} did not end`
    return code === 0 ? null : `${this.name} ended with ${code}: ${err.slice(-500)}`
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** What the clerks were told, against what is there. */
async function compare(latchkey: Latchkey, keys: ClerkKeys, books: readonly Book[], isCrash: boolean) {
  const losses: string[] = []
  const listed = (lane: Lane, state: State) => books.flatMap(book => book[lane].get(state) ?? [])
  const requests = async (id: string) => (await latchkey.keys.stats(id)).totals.requests
  /** As many as were sent, whose answer never came, perhaps because the client was killed. */
  const open = (lane: Lane) =>
    listed(lane, 'sent').length - listed(lane, 'done').length - listed(lane, 'failed').length

  // Each event once more: what was acknowledged is known, and in the end all count once.
  const done = new Set(listed('event', 'done'))
  const sent = listed('event', 'sent')
  const recorder = await latchkey.usage.createRecorder({ flushEvery: 1 })
  for (const id of sent) {
    const { counted } = await recorder.ingest([{ id, key: keys.event, inputTokens: 1 }])
    if (counted > 0 && done.has(id)) losses.push(`event ${id} was acknowledged, and is not there`)
  }
  await recorder.close()
  const events = await requests(keys.event)
  if (events !== sent.length)
    losses.push(`${sent.length} events were sent until they counted, and ${events} did`)

  const between = (lane: Lane, what: string, found: number, isDurable: boolean) => {
    const least = listed(lane, 'done').length
    if (isDurable && found < least) losses.push(`${least} ${what} were acknowledged, and ${found} are there`)
    if (found > least + open(lane))
      losses.push(`at most ${least + open(lane)} ${what} were made, and ${found} are there`)
  }
  between('recorder', 'sums', await requests(keys.recorder), true)
  const records = await requests(keys.record)
  between('record', 'records', records, !isCrash)

  const held = listed('hold', 'held')
  const settled = new Set(listed('hold', 'settled'))
  for (const id of held) {
    const again = await latchkey.usage.settle(id, { inputTokens: 1 }).then(
      () => true,
      () => false,
    )
    if (again && settled.has(id) && !isCrash) losses.push(`${id} was settled, and could be settled again`)
  }
  const holds = await requests(keys.hold)
  if (isCrash ? holds > held.length : holds !== held.length)
    losses.push(`${held.length} reservations were settled until they counted, and ${holds} did`)

  const made = new Set((await latchkey.keys.list()).map(({ name }) => name))
  for (const name of listed('key', 'done'))
    if (!made.has(name)) losses.push(`key ${name} was acknowledged, and is not there`)
  for (const text of listed('key', 'failed')) {
    const [name = ''] = text.split(' ')
    if (made.has(name)) losses.push(`key ${name} was refused, and is there`)
  }
  const { differences } = await latchkey.usage.check()
  if (differences.length > 0) losses.push('minutes, hours and days do not add up to the same')

  const codes = new Tally()
  for (const lane of lanes) {
    for (const state of ['failed', 'unknown'] as const)
      for (const text of listed(lane, state)) {
        const code = text.slice(text.indexOf(' ') + 1)
        codes.add(code)
        if (!spokenCodes.has(code)) losses.push(`${lane}: ${code}`)
      }
  }
  const slowestMs = Math.max(...lanes.flatMap(lane => listed(lane, 'took').map(Number)))
  if (slowestMs > longestMs) losses.push(`a call took ${slowestMs} ms`)
  const asked = lanes.reduce((sum, lane) => sum + listed(lane, 'sent').length, 0)
  const gone = listed('record', 'done').length - records
  const note = isCrash && gone > 0 ? `, ${gone} records of the last moments gone, as the docs say` : ''
  return { losses, asked, slowestMs, codes: codes.toString(), note }
}

const spokenCodes: ReadonlySet<string> = new Set(['busy', 'unexpected', 'disk_full'])

/** A port before that of the server, which can be closed. */
class Gate {
  readonly port: number
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #state: 'open' | 'silent' | 'cut' = 'open'
  readonly #server: ReturnType<typeof createServer>

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.#server = server
    this.port = port
  }

  static async before(port: number): Promise<Gate> {
    const server = createServer()
    const listening = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', listening.resolve)
    await listening.promise
    const address = server.address()
    const gate = new Gate(server, typeof address === 'object' && address !== null ? address.port : 0)
    server.on('connection', socket => gate.#pass(socket, port))
    return gate
  }

  /** Takes what is sent, and passes nothing on. */
  silence(): void {
    this.#state = 'silent'
  }

  /** Ends all connections, and takes no other. */
  cut(): void {
    this.#state = 'cut'
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  open(): void {
    this.#state = 'open'
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #pass(client: Socket, port: number): void {
    if (this.#state === 'cut') {
      client.destroy()
      return
    }
    const server = connect(port, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    for (const [from, to] of [pair, [server, client]] as const) {
      from.setNoDelay(true)
      from.on('data', chunk => {
        if (this.#state === 'open') to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        to.destroy()
        this.#pairs.delete(pair)
      })
    }
  }
}
