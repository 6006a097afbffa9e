/** kill -9 at any moment of a run. The database is in its state before or after, and the next run works. */
import { existsSync } from 'node:fs'
import type { Finished } from '../src/testing/process.ts'
import {
  badBackups,
  type Fault,
  furnished,
  type House,
  litter,
  lostCommits,
  problems,
  repeat,
  startPeer,
  state,
  Tally,
} from './harness.ts'

interface Operation {
  readonly name: string
  readonly args: readonly string[]
  /** Prepares a furnished house for the operation. */
  readonly prepare?: (house: House) => Promise<unknown>
  /** Whether another process keeps writing. */
  readonly withPeer?: boolean
  /** What else must hold if it was acknowledged. */
  readonly kept?: (house: House, finished: Finished) => Promise<readonly string[]>
}

const events = (length: number): string =>
  Array.from({ length }, (_, n) =>
    JSON.stringify({
      id: `event-${n}`,
      key: 'ci',
      model: 'gpt-x',
      inputTokens: 1,
      outputTokens: 1,
      at: new Date(Date.UTC(2026, 10, 20, 10) - n * 60_000),
    }),
  ).join('\n')

const operations: readonly Operation[] = [
  {
    name: 'create',
    args: ['backup', 'create', '-q'],
    kept: async (house, { out }) => {
      const ids = await house.using(async latchkey =>
        (await latchkey.backups.list()).map(backup => backup.id),
      )
      return ids.includes(out.trim()) ? [] : [`the backup ${out.trim()} was acknowledged and is not there`]
    },
  },
  {
    name: 'prune',
    args: ['backup', 'prune', '--keep-last', '1', '--yes', '-q'],
    prepare: async house => {
      for (let n = 0; n < 6; n++) await house.using(latchkey => latchkey.backups.create())
    },
  },
  { name: 'restore', args: ['restore', '--latest', '--yes', '-q'] },
  { name: 'restore --in-place', args: ['restore', '--latest', '--in-place', '--yes', '-q'], withPeer: true },
  { name: 'restore --key', args: ['restore', '--latest', '--key', 'ci', '--yes', '-q'], prepare: dropKey },
  {
    name: 'migrate up',
    args: ['migrate', 'up', '-q'],
    prepare: house => house.using(latchkey => latchkey.migrations.migrate({ direction: 'down', to: 1 })),
  },
  { name: 'migrate down', args: ['migrate', 'down', '--to', '1', '--yes', '-q'] },
  {
    name: 'import',
    args: ['import', 'glm-proxy', 'apikeys.json', '-q'],
    prepare: async house => {
      const keys = Array.from({ length: 500 }, (_, n) => ({
        key: `pk_of_an_old_gateway_${n}`,
        name: `old ${n}`,
        model: 'glm-4.7',
        token_limit_per_5h: 1_000,
        expiry_date: '2099-12-31T23:59:59Z',
        created_at: '2026-01-18T00:00:00Z',
        last_used: '2026-01-18T00:00:00Z',
        total_lifetime_tokens: 902,
        usage_windows: [{ window_start: '2026-01-17T18:56:50.677Z', tokens_used: 902 }],
      }))
      house.folder.write('apikeys.json', JSON.stringify({ keys }))
    },
  },
  { name: 'record', args: ['usage', 'record', 'ci', '--input-tokens', '3'] },
  {
    name: 'ingest',
    args: ['usage', 'ingest', 'events.ndjson'],
    prepare: async house => {
      house.folder.write('events.ndjson', events(500))
    },
  },
  {
    name: 'ingest in steps',
    args: ['usage', 'ingest', 'events.ndjson'],
    prepare: async house => {
      house.folder.write('events.ndjson', events(30_000))
    },
  },
]

/** Operations that do more if they are repeated. Only the first run must lead to the state of one run. */
const repeatable = new Set(['record'])

async function dropKey(house: House): Promise<void> {
  await house.using(latchkey => latchkey.keys.delete('ci'))
}

export const kill: readonly Fault[] = operations.map(operation => ({
  name: `kill -9: ${operation.name}`,
  run: count => killed(operation, count),
}))

async function killed(operation: Operation, count: number) {
  const { args, name, prepare, withPeer = false, kept } = operation
  using template = await furnished()
  await prepare?.(template)
  const old = state(template.path)
  using done = template.copy()
  const started = performance.now()
  const whole = await done.run(...args)
  let wholeMs = performance.now() - started
  if (whole.code !== 0) return { figures: 'it does not even run', losses: [whole.err] }
  const after = state(done.path)

  const losses: string[] = []
  const ends = new Tally()
  await repeat(count, async round => {
    using house = template.copy()
    const peer = withPeer ? await startPeer(house) : undefined
    const running = house.start(...args)
    await Bun.sleep(wholeMs * (0.3 + Math.random()))
    running.kill('SIGKILL')
    const finished = await running.finished
    await peer?.[Symbol.asyncDispose]()
    const acked = finished.code === 0 && finished.signal === null
    const lose = (what: string): void => {
      losses.push(`round ${round}: ${what}`)
    }
    if (!acked && finished.signal === null) lose(`it failed by itself: ${finished.err}`)
    if (!existsSync(house.path)) return lose('the database is gone')
    const now = state(house.path)
    ends.add(acked ? 'in time' : now === old ? 'killed, as before' : 'killed, as after')
    if (now !== after && (acked || now !== old)) lose(acked ? 'acknowledged, and not done' : 'done in part')
    for (const problem of problems(house.path)) lose(problem)
    for (const problem of await badBackups(house)) lose(problem)
    if (acked && kept) for (const problem of await kept(house, finished)) lose(problem)
    if (peer) for (const row of await lostCommits(house, peer.ledger)) lose(`the commit ${row} is nowhere`)
    const restarted = performance.now()
    const again = await house.run(...args)
    // With several at once on a busy machine, a run takes longer than the first one.
    wholeMs += (performance.now() - restarted - wholeMs) / 5
    if (again.code !== 0) lose(`the next run failed: ${again.err}`)
    else if (state(house.path) !== after && !repeatable.has(name)) lose('the next run did not finish it')
    for (const file of litter(house)) lose(`the next run left ${file}`)
  })
  return { figures: `${count} runs of ${Math.round(wholeMs)} ms: ${ends}`, losses }
}
