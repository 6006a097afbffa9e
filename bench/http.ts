/**
 * The HTTP server against bare `Bun.serve`s that run the same SQL, under the load of wrk. The log goes to a file. Server and
 * load generator share the machine, so a ratio is what counts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLatchkey } from '../src/index.ts'
import { type Fixture, fill, fixture, minutes } from './fixture.ts'
import { inTurns, type Row } from './rounds.ts'
import { inTurn, load, Servers } from './wrk.ts'

const keys = 1_000
const rounds = 6
const program = join(import.meta.dir, '../bin/latchkey.ts')

export async function rows(): Promise<readonly Row[]> {
  if (Bun.which('wrk') === null) {
    console.error('http was not measured, because there is no wrk here: apt-get install wrk')
    return []
  }
  // Each has a file of its own: writers on one empty each other's page caches.
  using made = await fixture(keys)
  using other = await fixture(keys)
  for (const each of [made, other]) fillAll(each)
  using bench = new Bench(made, other)
  await bench.start()
  const verify = await bench.rates('verify', 16, { latchkey: 'verify', bare: 'verify' })
  const usage = await bench.rates('usage', 64, {
    latchkey: 'usage',
    bare: 'usage',
    together: 'usage-together',
  })
  const rate = (perSecond: number) => `${Math.round(perSecond).toLocaleString('en-US')}/s`
  const row = (name: string, bound: number, latchkey: number, bare: number): Row => ({
    name,
    ratio: latchkey / bare,
    bound,
    better: 'higher',
    detail: `${rate(latchkey)} against ${rate(bare)} of a bare server, wrk on the same ${navigator.hardwareConcurrency} cores`,
  })
  return [
    row('POST /v1/verify, 16 connections', 0.7, verify.latchkey, verify.bare),
    // Where a disk keeps a commit in less than a third of a millisecond, the processor is the limit, and the ratio is lower.
    row('POST /v1/usage, 64 connections, durable', 8, usage.latchkey, usage.bare),
    row('POST /v1/usage, against shared transactions', 0.55, usage.latchkey, usage.together),
  ]
}

/** Latchkey, and what the bare server does. */
type Name = 'latchkey' | 'bare' | 'together'

/** Ten buckets in the last five hours for each key. */
function fillAll(made: Fixture): void {
  const db = made.bare()
  db.run('BEGIN')
  for (const { id } of made.keys) fill(db, id, minutes(10, 25))
  db.run('COMMIT')
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')
}

class Bench implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-http-'))
  readonly #made: Fixture
  readonly #other: Fixture
  readonly #servers = new Servers(this.#folder)
  #urls = { latchkey: '', bare: '' }
  #secret = ''

  constructor(made: Fixture, other: Fixture) {
    this.#made = made
    this.#other = other
  }

  async start(): Promise<void> {
    const latchkey = connectLatchkey({ path: this.#made.path })
    const { secret } = await latchkey.keys.create({
      name: 'gateway',
      scopes: ['latchkey:verify', 'latchkey:usage'],
    })
    await latchkey.close()
    this.#secret = secret ?? ''
    this.#urls = {
      latchkey: await this.#servers.start(
        [program, 'serve', '--db', this.#made.path, '--listen', '127.0.0.1:0'],
        'address',
      ),
      bare: await this.#servers.start([join(import.meta.dir, 'bare-server.ts'), this.#other.path], 'address'),
    }
  }

  /** Requests per second of servers by their paths, the best of each. */
  async rates<N extends Name>(
    of: 'verify' | 'usage',
    connections: number,
    paths: Readonly<Record<N, string>>,
  ): Promise<Readonly<Record<N, number>>> {
    const scripts = { latchkey: this.#script(of, this.#made), bare: this.#script(of, this.#other) }
    const rates = new Map<N, number>()
    const files = [this.#made.bare(), this.#other.bare()]
    for (const name of inTurns(Object.keys(paths) as N[], rounds)) {
      // Otherwise the same one would pay for the checkpoints of all, round after round.
      for (const file of files) file.run('PRAGMA wal_checkpoint(TRUNCATE)')
      const server = name === 'latchkey' ? 'latchkey' : 'bare'
      const rate = await load(`${this.#urls[server]}/v1/${paths[name]}`, scripts[server], connections)
      rates.set(name, Math.max(rate, rates.get(name) ?? 0))
    }
    return Object.fromEntries(rates) as Record<N, number>
  }

  /** A script for wrk that sends a request for each key in turn. */
  #script(of: 'verify' | 'usage', { keys }: Fixture): string {
    const bodies = keys.map(({ id, secret }) =>
      of === 'verify'
        ? { secret, model: 'gpt-x', tokens: 100 }
        : { key: id, model: 'gpt-x', inputTokens: 100, outputTokens: 20, costUsd: 0.000005 },
    )
    const file = join(this.#folder, `${of}-${this.#made.keys === keys ? 'latchkey' : 'bare'}.lua`)
    writeFileSync(file, inTurn(bodies, this.#secret))
    return file
  }

  [Symbol.dispose](): void {
    this.#servers[Symbol.dispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
