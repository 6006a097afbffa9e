/**
 * `bun clerk.ts URL LEDGER NAME JSON`: a process that records, reserves and administers on a PostgreSQL server until stdin
 * ends. Its ledger has a line for what it asks, before it asks, and one for the answer: `LANE STATE ID`. What fails is not
 * repeated.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { connectLatchkey } from '../src/index.ts'
import type { ClerkKeys, Lane, State } from './postgres.ts'

const [path = '', ledger = '', name = '', given = '{}'] = Bun.argv.slice(2)
const keys = JSON.parse(given) as ClerkKeys
const book = openSync(ledger, 'a')
const write = (lane: Lane, state: State, id: string) => writeSync(book, `${lane} ${state} ${id}\n`)

const latchkey = connectLatchkey({
  path,
  busyTimeoutMs: 2_000,
  actor: { name, origin: 'script' },
})
let running = true
Bun.stdin
  .text()
  .catch(() => '')
  .then(() => {
    running = false
  })

const recorder = await latchkey.usage.createRecorder({ flushEvery: 5, patience: 2_000 })

async function repeat(lane: Lane, ask: (id: string) => Promise<unknown>): Promise<void> {
  for (let n = 0; running; n++) {
    const id = `${name}-${n}`
    write(lane, 'sent', id)
    const begun = performance.now()
    try {
      await ask(id)
      write(lane, 'done', id)
    } catch (error) {
      const { code } = error as { readonly code?: unknown }
      write(lane, code === 'unexpected' ? 'unknown' : 'failed', `${id} ${code ?? error}`)
      await Bun.sleep(20)
    }
    write(lane, 'took', String(Math.round(performance.now() - begun)))
    // A change takes to the disk what others have not insisted on: so seldom that these have to insist.
    await Bun.sleep(Math.random() * (lane === 'key' ? 1_500 : 10))
  }
}

process.stdout.write('ready\n')
await Promise.all([
  repeat('event', id => recorder.ingest([{ id, key: keys.event, inputTokens: 1 }])),
  repeat('recorder', () => recorder.record(keys.recorder, { inputTokens: 1 })),
  repeat('record', () => latchkey.usage.record(keys.record, { inputTokens: 1 })),
  repeat('hold', async () => {
    const { reservation } = await latchkey.usage.reserve(keys.hold, { requests: 1 })
    if (reservation === null) throw new Error('there was room')
    write('hold', 'held', reservation.id)
    await latchkey.usage.settle(reservation.id, { inputTokens: 1 })
    write('hold', 'settled', reservation.id)
  }),
  repeat('key', id => latchkey.keys.create({ name: id })),
])
await recorder.close().catch(() => {})
await latchkey.close()
closeSync(book)
