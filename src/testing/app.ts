/** The server without sockets. For tests only. */
import { setImmediate } from 'node:timers/promises'
import { connectLatchkey } from '../index.ts'
import { createApp } from '../server/app.ts'
import { LiveDatabase } from '../server/database.ts'
import type { LogEntry } from '../server/log.ts'
import { Counters } from '../server/metrics.ts'
import { temporaryLatchkey } from './latchkey.ts'

/** The server, and a key that may do everything. @param instance its name in metrics */
export async function temporaryApp(instance?: string) {
  const home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  const log: LogEntry[] = []
  const now = () => home.clock.now
  let connections = 0
  const onReplaced = () => log.push({ event: 'replaced', message: '' })
  const database = new LiveDatabase(() => {
    connections++
    return connectLatchkey({ path: home.path, now, onReplaced })
  })
  const app = createApp({ database, counters: new Counters(), now, log: entry => log.push(entry), instance })
  const bearer = { authorization: `Bearer ${secret}` }
  const ask = async (path: string, init: RequestInit = {}, headers: Record<string, string> = bearer) => {
    // As from a socket: what is sent after an answer is heard in a later turn.
    await setImmediate()
    return app.answer(new Request(`http://x${path}`, { ...init, headers: { ...headers, ...init.headers } }))
  }
  const post = async (path: string, body: unknown) => {
    const answer = await ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: answer.status, json: (await answer.json()) as Document }
  }
  const metric = async (name: string) => {
    const lines = (await (await ask('/metrics')).text()).split('\n')
    const found = lines.find(line => line.startsWith(`${name} `))
    return found === undefined ? undefined : Number(found.split(' ')[1])
  }
  return {
    ...home,
    secret: secret!,
    app,
    connections: () => connections,
    log,
    ask,
    post,
    metric,
    [Symbol.asyncDispose]: async () => {
      await database.close()
      await home[Symbol.asyncDispose]()
    },
  }
}

/** The parts of answers that tests compare. */
export interface Document {
  readonly code?: string
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string }
  readonly reservation?: { readonly id: string } | null
  readonly verdict?: { readonly code: string }
  readonly events?: number
  readonly counted?: number
  readonly duplicates?: number
  readonly endUsersLeftOut?: number
}
