/** `bun bare-server.ts DB`: what the HTTP server cannot be had without. Says where it listens in its first line on stderr. */
import { Database } from 'bun:sqlite'
import { bareRecorder } from './record.ts'
import { bareVerifier } from './verify.ts'

const [path = ''] = Bun.argv.slice(2)
const db = new Database(path, { readwrite: true })
db.run('PRAGMA foreign_keys = ON')
db.run('PRAGMA synchronous = FULL')
const verify = bareVerifier(db)
const record = bareRecorder(db)

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  routes: {
    '/v1/verify': async request => {
      const { secret } = (await request.json()) as { readonly secret: string }
      return Response.json({ valid: true, used: verify(secret) })
    },
    '/v1/usage': async request => {
      const { key, model, inputTokens, outputTokens } = (await request.json()) as Event
      record(key, model, inputTokens, outputTokens)
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
