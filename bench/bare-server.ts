/**
 * `bun bare-server.ts DB`: the least that a server has to do. A verdict runs the SQL of a verdict in one snapshot and judges
 * nothing; usage is one durable transaction for each request, or for all that arrive together. There is no gateway's key, check,
 * log or metric. The first line on stderr says where it listens.
 */
import { Database } from 'bun:sqlite'
import { SqliteFacts } from '../src/db/sqlite/facts.ts'
import { openReader } from '../src/db/sqlite/open.ts'
import { bareRecorder } from './record.ts'

const [path = ''] = Bun.argv.slice(2)
const reader = openReader(path)
reader.run('PRAGMA mmap_size = 268435456')
const begin = reader.keep('BEGIN')
const end = reader.keep('ROLLBACK')
const facts = new SqliteFacts(reader)
const writer = new Database(path, { readwrite: true })
writer.run('PRAGMA foreign_keys = ON')
writer.run('PRAGMA synchronous = FULL')
// What was under way when the load ended meets the checkpoint before the next.
writer.run('PRAGMA busy_timeout = 10000')
const { add, inTransaction } = bareRecorder(writer)
let together: Promise<void> | undefined
let waiting: Event[] = []

/** Resolves once everything that arrived with it is on disk. */
function counted(event: Event): Promise<void> {
  waiting.push(event)
  together ??= new Promise(resolve => {
    setImmediate(() => {
      inTransaction(() => waiting.forEach(addEvent))
      waiting = []
      together = undefined
      resolve()
    })
  })
  return together
}

const addEvent = ({ key, model, inputTokens, outputTokens }: Event): void =>
  add(key, model, inputTokens, outputTokens)

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  routes: {
    '/v1/verify': async request => {
      const { secret } = (await request.json()) as { readonly secret: string }
      const hash = Bun.CryptoHasher.hash('sha256', secret, 'hex')
      begin.run()
      const found = facts.keyAt(
        { hash },
        { at: Date.now(), toleranceMs: 300_000, isPast: false, endUser: '' },
      )
      end.run()
      return Response.json({ valid: found !== null, limits: found?.limits })
    },
    '/v1/usage': async request => {
      const event = (await request.json()) as Event
      inTransaction(() => addEvent(event))
      return Response.json({ counted: 1 })
    },
    '/v1/usage-together': async request => {
      await counted((await request.json()) as Event)
      return Response.json({ counted: 1 })
    },
  },
})
console.error(JSON.stringify({ address: `http://127.0.0.1:${server.port}` }))

interface Event {
  readonly key: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
}
