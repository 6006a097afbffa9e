/**
 * Answers requests: finds the route, authenticates the caller, and calls the operations. Knows no socket and no process,
 * and has no rules about keys, limits or usage.
 */

import { LatchkeyError } from '../contract/errors.ts'
import { secretIn } from '../contract/secret-in.ts'
import type { Verdict } from '../contract/views.ts'
import { type Answer, errorAnswer, Refusal, refusedAnswer } from './answer.ts'
import { inChunks } from './body.ts'
import type { Opened } from './database.ts'
import type { DenyingLimit } from './log.ts'
import { type AppOptions, type Call, type Route, routesOf, type ScopedRoute } from './routes.ts'
import { OfThisTurn } from './turn.ts'

export interface App {
  /**
   * Never rejects.
   *
   * @param path of the request, if it is known to be one of `paths`: the URL of a request takes longer to make than to read
   */
  readonly answer: (request: Request, path?: string) => Promise<Response>
  /** The paths of all routes that have no id in them. */
  readonly paths: readonly string[]
  /** From now on the server is not ready, and every answer closes its connection. */
  readonly stop: () => void
}

export function createApp(options: AppOptions): App {
  const { database, counters, log } = options
  const state = { stopping: false }
  const routes = routesOf(options, state)
  const findRoute = finder(routes)
  /** Ids of the keys of gateways that were let in, by scope and secret. */
  const callers = new OfThisTurn<string>()

  const answer = async (request: Request, known?: string): Promise<Response> => {
    const started = performance.now()
    counters.inFlight++
    const found = findRoute(known ?? pathOf(request.url))
    const call: Call = { request, id: found?.id ?? '', caller: null }
    let given: Answer
    try {
      given = await run(found?.routes, call)
    } catch (error) {
      const refused = errorAnswer(error)
      if (refused.status >= 500) log({ event: 'failure', message: refused.message })
      given = refused
    }
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
      client: given.verdict && (given.verdict.key?.id ?? null),
      limit: given.verdict && denyingLimit(given.verdict),
      ms: Math.round(elapsed * 100) / 100,
    })
    const { status, headers } = given
    const isLast = state.stopping || inChunks(request)
    return new Response(request.method === 'HEAD' ? null : given.body, {
      status,
      headers: isLast ? closing(headers) : headers,
    })
  }

  const run = (candidates: readonly Route[] | undefined, call: Call): Promise<Answer> => {
    const route = routeFor(candidates, call.request.method)
    if (route.scope === null) return route.answer()
    const opened = database.get()
    if (route.scope === 'own') return route.answer(call, opened)
    // Without a secret nobody is let in.
    const gateway = `${route.scope}\n${secretIn(call.request.headers) ?? ''}`
    call.caller = callers.get(gateway) ?? null
    return call.caller === null ? runFor(gateway, route, call, opened) : route.answer(call, opened)
  }

  const runFor = async (
    gateway: string,
    { scope, answer }: ScopedRoute,
    call: Call,
    opened: Opened,
  ): Promise<Answer> => {
    const asked = await opened.latchkey.guard(call.request, { scope })
    if (asked instanceof Response) {
      const { status, headers } = asked
      return refusedAnswer({ status, headers: Object.fromEntries(headers), body: await asked.text() })
    }
    call.caller = asked.key.id
    callers.set(gateway, call.caller)
    return answer(call, opened)
  }

  return {
    answer,
    paths: routes.map(({ path }) => path).filter(path => !path.includes('ID')),
    stop: () => {
      state.stopping = true
    },
  }
}

function closing(headers: Headers): Headers {
  const all = new Headers(headers)
  all.set('connection', 'close')
  return all
}

interface Found {
  /** The route in the log and in metrics. */
  readonly path: string
  readonly id: string
  readonly routes: readonly Route[]
}

/** Without `URL`, because a client may send a `Host` that is not valid in one. */
const pathOf = (url: string): string => /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? ''

type Finding = (pathname: string) => Found | undefined

function finder(routes: readonly Route[]): Finding {
  const paths = [...Map.groupBy(routes, ({ path }) => path)]
  const whole = new Map(paths.map(([path, each]) => [path, { path, id: '', routes: each }]))
  const around = paths.flatMap(([path, each]) => {
    const [before = '', after] = path.split('ID')
    return after === undefined ? [] : [{ path, before, after, routes: each }]
  })
  return pathname => {
    const found = whole.get(pathname)
    if (found !== undefined) return found
    for (const { path, before, after, routes: each } of around) {
      const id = pathname.slice(before.length, pathname.length - after.length)
      if (/^[^/]+$/.test(id) && pathname === before + id + after) return { path, id, routes: each }
    }
    return undefined
  }
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

function denyingLimit({ limits }: Verdict): DenyingLimit | null {
  const hit = limits.find(limit => limit.exceeded)
  if (hit === undefined) return null
  const { metric, period, windowMs, models, each, subject } = hit
  return { metric, period, windowMs, models, each, subject: subject.type, id: subject.id }
}
