/**
 * Answers requests: finds the route, authenticates the caller, and calls the operations. Knows no socket and no process,
 * and has no rules about keys, limits or usage.
 */

import { LatchkeyError } from '../contract/errors.ts'
import type { Key, Verdict } from '../contract/views.ts'
import type { Latchkey } from '../index.ts'
import { type Answer, errorAnswer, Refusal } from './answer.ts'
import { inChunks } from './body.ts'
import type { RequestEntry } from './log.ts'
import { type AppOptions, type Call, type Route, routesOf } from './routes.ts'

export interface App {
  /** Never rejects. */
  readonly answer: (request: Request) => Promise<Response>
  /** From now on the server is not ready, and every answer closes its connection. */
  readonly stop: () => void
}

export function createApp(options: AppOptions): App {
  const { database, counters, now, log } = options
  const state = { stopping: false }
  const routes = routesOf(options, state)

  const answer = async (request: Request): Promise<Response> => {
    const started = performance.now()
    counters.inFlight++
    const found = findRoute(routes, pathOf(request.url))
    const call: Call = { request, id: found?.id ?? '', caller: null }
    const given: Answer = await run(found?.routes, call).catch((error: unknown) => {
      const refused = errorAnswer(error)
      if (refused.status >= 500) log({ event: 'failure', message: refused.message })
      return refused
    })
    counters.inFlight--
    const path = found?.path ?? 'other'
    const elapsed = performance.now() - started
    counters.request(path, given.status, elapsed / 1_000)
    log({
      event: 'request',
      method: methods.has(request.method) ? request.method : 'other',
      route: path,
      status: given.status,
      code: given.code ?? null,
      key: call.caller,
      ...(given.verdict && clientOf(given.verdict)),
      ms: Math.round(elapsed * 100) / 100,
    })
    return new Response(request.method === 'HEAD' ? null : given.body, {
      status: given.status,
      headers: {
        ...given.headers,
        'cache-control': 'no-store',
        ...(state.stopping || inChunks(request) ? { connection: 'close' } : {}),
      },
    })
  }

  const run = async (candidates: readonly Route[] | undefined, call: Call): Promise<Answer> => {
    const route = routeFor(candidates, call.request.method)
    const { scope } = route
    if (scope === null) return route.answer()
    const opened = database.get()
    const caller = await authenticate(opened.latchkey, call.request, scope, now())
    call.caller = caller.id
    return route.answer(call, opened)
  }

  return {
    answer,
    stop: () => {
      state.stopping = true
    },
  }
}

interface Found {
  /** The route in the log and in metrics. */
  readonly path: string
  readonly id: string
  readonly routes: readonly Route[]
}

/** Without `URL`, because a client may send a `Host` that is not valid in one. */
const pathOf = (url: string): string => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')

function findRoute(routes: readonly Route[], pathname: string): Found | undefined {
  for (const { path } of routes) {
    const [before = '', after] = path.split('ID')
    const id = after === undefined ? '' : pathname.slice(before.length, pathname.length - after.length)
    const fits =
      after === undefined ? pathname === path : /^[^/]+$/.test(id) && pathname === before + id + after
    if (fits) return { path, id, routes: routes.filter(each => each.path === path) }
  }
  return undefined
}

function routeFor(candidates: readonly Route[] | undefined, method: string): Route {
  if (candidates === undefined) {
    throw new LatchkeyError('not_found', 'this path does not exist', 'see the paths in docs/server.md')
  }
  const wanted = method === 'HEAD' ? 'GET' : method
  const route = candidates.find(each => each.method === wanted)
  if (route !== undefined) return route
  const allowed = candidates.flatMap(each => (each.method === 'GET' ? ['GET', 'HEAD'] : [each.method]))
  throw new Refusal(405, 'usage', 'this path does not allow that method', `use ${allowed[0]}`, {
    allow: allowed.join(', '),
  })
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * The key of the caller, from `Authorization: Bearer` (RFC 6750).
 *
 * @throws Refusal 401, 403, 429
 */
async function authenticate(latchkey: Latchkey, request: Request, scope: string, now: Date): Promise<Key> {
  const [, secret] = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (secret === undefined) {
    throw new Refusal(
      401,
      'denied',
      'this needs a key',
      `send Authorization: Bearer and the secret of a key that has the scope ${scope}`,
      { 'www-authenticate': 'Bearer realm="latchkey"' },
    )
  }
  const verdict = await latchkey.keys.verify(secret, { scope })
  if (verdict.valid && verdict.key !== null) return verdict.key
  throw denied(verdict, scope, now)
}

function denied({ code, key, retryAt }: Verdict, scope: string, now: Date): Refusal {
  const why = `the key in the request is not allowed to do this: ${code}`
  if (code === 'limit_exceeded') {
    const seconds = retryAt === null ? undefined : Math.ceil((retryAt.getTime() - now.getTime()) / 1_000)
    const later = seconds === undefined ? {} : { 'retry-after': String(Math.max(1, seconds)) }
    return new Refusal(429, 'denied', why, 'wait, or give that key no limits', later)
  }
  const authenticateHeader = (error: string, more = '') => ({
    'www-authenticate': `Bearer realm="latchkey", error="${error}"${more}`,
  })
  if (code === 'insufficient_scope') {
    const header = authenticateHeader('insufficient_scope', `, scope="${scope}"`)
    const hint = `give it all the scopes it needs: latchkey key update ${key?.id ?? 'KEY'} --scope ${scope}`
    return new Refusal(403, 'denied', why, hint, header)
  }
  if (code === 'model_not_allowed') {
    return new Refusal(403, 'denied', why, 'use a key without a model of its own')
  }
  return new Refusal(
    401,
    'denied',
    why,
    'create another key with: latchkey key create gateway --scope latchkey:*',
    authenticateHeader('invalid_token'),
  )
}

/** The key of a verdict, and the limit that denied it. */
function clientOf({ key, limits }: Verdict): Pick<RequestEntry, 'client' | 'limit'> {
  const hit = limits.find(limit => limit.exceeded)
  if (hit === undefined) return { client: key?.id ?? null, limit: null }
  const { metric, windowMs, subject } = hit
  return { client: key?.id ?? null, limit: { metric, windowMs, subject: subject.type, id: subject.id } }
}
