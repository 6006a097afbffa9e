/** kill -9 of the server while many clients write at once: what it has answered is there, and nothing is there twice. */
import { type RunningServer, startServer } from '../src/testing/server.ts'
import { type Fault, furnished, type House, problems, repeat, Tally } from './harness.ts'

/** That share transactions. */
const clients = 64

export const served: readonly Fault[] = [{ name: 'kill -9: serve', run: killed }]

/** What the clients of one server know. */
class Ledger {
  /** Ids of events, and whether the server has said that it counted them. */
  readonly events = new Map<string, boolean>()
  /** Ids of reservations that were answered, and whether the server has said that they are settled. */
  readonly held = new Map<string, boolean>()
}

type Post = (
  path: string,
  body: unknown,
) => Promise<{ readonly status: number; readonly json: Answer } | undefined>

interface Answer {
  readonly counted?: number
  readonly duplicates?: number
  readonly reservation?: { readonly id: string } | null
}

async function killed(count: number) {
  using template = await furnished(0)
  const [secret, key] = await template.using(async latchkey => {
    const gateway = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:usage'] })
    return [gateway.secret ?? '', (await latchkey.keys.create({ name: 'client' })).id]
  })
  const losses: string[] = []
  const ends = new Tally()
  let answered = 0
  await repeat(count, async round => {
    using house = template.copy()
    const ledger = new Ledger()
    const server = await startServer(house.path)
    let isServed = true
    server.finished.then(() => {
      isServed = false
    })
    const clerks = Array.from({ length: clients }, (_, n) => work(poster(server, secret), key, n, ledger))
    const enough = Math.random() * 10 * clients
    while (isServed && ledger.events.size + ledger.held.size < enough) await Bun.sleep(1)
    await Bun.sleep(Math.random() * 20)
    server.kill('SIGKILL')
    await server.finished
    await Promise.all(clerks)
    answered += ledger.events.size + ledger.held.size
    const wrong = [...problems(house.path), ...(await told(house, secret, key, ledger))]
    ends.add(wrong.length === 0 ? 'as answered' : 'otherwise')
    losses.push(...wrong.map(what => `round ${round}: ${what}`))
  })
  return { figures: `${count} servers killed after ${answered} requests: ${ends}`, losses }
}

/** Undefined once there is no server. */
const poster =
  ({ url }: RunningServer, secret: string): Post =>
  async (path, body) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    try {
      const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: answer.status, json: (await answer.json()) as Answer }
    } catch {
      return undefined
    }
  }

/** Goes on until the server is gone: events, one in ten of them bad, and reservations that are settled. */
async function work(post: Post, key: string, client: number, { events, held }: Ledger): Promise<void> {
  for (let n = 0; ; n++) {
    if ((client + n) % 10 === 0) {
      if ((await post('/v1/usage', { id: `bad-${client}-${n}`, key: 'nobody' })) === undefined) return
    } else if (client % 4 === 0) {
      const answer = await post('/v1/reservations', { key, requests: 1 })
      if (answer === undefined) return
      const id = answer.json.reservation?.id ?? ''
      held.set(id, false)
      if ((await post(`/v1/reservations/${id}/settle`, { inputTokens: 1 })) === undefined) return
      held.set(id, true)
    } else {
      const id = `${client}-${n}`
      events.set(id, false)
      const answer = await post('/v1/usage', { id, key, inputTokens: 1 })
      if (answer === undefined) return
      if (answer.json.counted === 1) events.set(id, true)
    }
  }
}

/** Sends all of it again to another server, and compares. */
async function told(house: House, secret: string, key: string, { events, held }: Ledger) {
  const wrong: string[] = []
  const server = await startServer(house.path)
  const post = poster(server, secret)
  for (const [id, wasCounted] of events) {
    const answer = await post('/v1/usage', { id, key, inputTokens: 1 })
    if (answer?.status !== 200) wrong.push(`event ${id} cannot be sent again: ${answer?.status}`)
    else if (wasCounted && answer.json.counted !== 0) wrong.push(`event ${id} was answered, and is not there`)
  }
  for (const [id, wasSettled] of held) {
    const answer = await post(`/v1/reservations/${id}/settle`, { inputTokens: 1 })
    const good = wasSettled ? [404] : [200, 404]
    if (!good.includes(answer?.status ?? 0)) wrong.push(`settling ${id} again was answered ${answer?.status}`)
  }
  server.kill('SIGTERM')
  await server.finished
  const { requests } = await house.using(async latchkey => (await latchkey.keys.stats(key)).totals)
  const sent = events.size + held.size
  if (requests !== sent) wrong.push(`${sent} requests were sent until they counted, and ${requests} did`)
  return wrong
}
