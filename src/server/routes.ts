/** The routes of the server, their scopes, and the operations that answer. */

import { LatchkeyError } from '../contract/errors.ts'
import { reserved, verdict } from '../contract/views/keys.ts'
import { recorded, self, usageReceipt } from '../contract/views/usage.ts'
import type { KeySelector } from '../index.ts'
import { programVersion } from '../system/version.ts'
import {
  type Answer,
  answering,
  headersOf,
  noContent,
  refusedAnswer,
  statusAnswer,
  textAnswer,
} from './answer.ts'
import { watchBackups } from './backups.ts'
import { readEvents, readJson, readNames, requireEnd } from './body.ts'
import type { LiveDatabase, Opened } from './database.ts'
import { authorizeQuery, readFields, readQuery, reserveBody, settleBody, verifyBody } from './input.ts'
import type { Log } from './log.ts'
import { type Counters, contentType, exposition, gauge, inventoryFamilies } from './metrics.ts'
import { allHeard } from './turn.ts'

export interface AppOptions {
  readonly database: LiveDatabase
  readonly counters: Counters
  readonly now: () => Date
  readonly log: Log
  /** The name of this server among others, in all metrics. */
  readonly instance?: string | undefined
}

/** One request. */
export interface Call {
  readonly request: Request
  /** The value of `ID` in the path. */
  readonly id: string
  /** Id of the caller's key, once it is known. */
  caller: string | null
}

/** The scope that the caller's key needs. */
type Scope = 'latchkey:verify' | 'latchkey:usage' | 'latchkey:metrics'

type ScopedAnswer = (call: Call, opened: Opened) => Promise<Answer>

/**
 * `ID` in a path stands for one id. Without a scope, anybody may ask and the database need not exist. With `own`, a client
 * asks about its own key, and needs no scope.
 */
export type Route = { readonly method: 'GET' | 'POST'; readonly path: string } & (
  | { readonly scope: null; readonly answer: () => Promise<Answer> }
  | { readonly scope: 'own'; readonly answer: ScopedAnswer }
  | ScopedRoute
)

export interface ScopedRoute {
  readonly scope: Scope
  readonly answer: ScopedAnswer
}

const post = (path: string, scope: Scope, answer: ScopedAnswer): Route => ({
  method: 'POST',
  path,
  scope,
  answer,
})

export function routesOf(
  { database, counters, now, log, instance }: AppOptions,
  state: { readonly stopping: boolean },
): readonly Route[] {
  const startedAt = now()
  const backups = watchBackups(now, log)

  const requireReady = async (): Promise<void> => {
    if (state.stopping) throw new LatchkeyError('busy', 'the server is stopping', 'use another server')
    await database.requireReady()
  }
  const ready = async (): Promise<Answer> => {
    await requireReady()
    return statusAnswer('ready')
  }
  const metrics: ScopedAnswer = async (_, { latchkey }) => {
    const isReady = await requireReady().then(
      () => 1,
      () => 0,
    )
    const version = { labels: { version: programVersion, bun: Bun.version }, value: 1 }
    const families = [
      gauge('latchkey_build_info', 'Always 1; the versions are labels', [version]),
      gauge('latchkey_start_time_seconds', 'When the server started', startedAt.getTime() / 1_000),
      gauge('latchkey_ready', 'What /readyz says', isReady),
      ...inventoryFamilies(await latchkey.inventory()),
      ...(await backups(latchkey)),
      ...counters.families(),
    ]
    return textAnswer(contentType, exposition(families, instance === undefined ? {} : { instance }))
  }
  const authorize: ScopedAnswer = async ({ request }, { latchkey }) => {
    const { count, ...wanted } = readQuery(authorizeQuery, request.url)
    const counts = count === '1'
    if (counts) await wholly(request)
    const answer = await latchkey.authorize(request, { ...wanted, count: counts })
    const { verdict } = answer
    if (verdict) counters.verdict(verdict)
    if (counts && answer.status === 204) counters.usage({ counted: 1, duplicates: 0 })
    return {
      ...answer,
      headers: headersOf(answer.headers),
      code: verdict?.code ?? 'denied',
      verdict: verdict ?? undefined,
    }
  }
  return [
    { method: 'GET', path: '/healthz', scope: null, answer: async () => statusAnswer('alive') },
    { method: 'GET', path: '/readyz', scope: null, answer: ready },
    { method: 'GET', path: '/metrics', scope: 'latchkey:metrics', answer: metrics },
    { method: 'GET', path: '/v1/authorize', scope: 'own', answer: authorize },
    { method: 'POST', path: '/v1/authorize', scope: 'own', answer: authorize },
    {
      method: 'GET',
      path: '/v1/self',
      scope: 'own',
      answer: async (call, { latchkey }) => {
        const own = await latchkey.self(call.request)
        if ('status' in own) return refusedAnswer(own)
        call.caller = own.key.id
        return selfAnswer(own)
      },
    },
    post('/v1/verify', 'latchkey:verify', async ({ request }, { latchkey }) => {
      const { secret, model, scope, endUser, ...wanted } = readFields(verifyBody, await readNames(request))
      const given = await latchkey.keys.verify(secret, { model, scope, endUser, wanted })
      counters.verdict(given)
      return verdictAnswer(given, given)
    }),
    post('/v1/usage', 'latchkey:usage', async ({ request }, { recorder }) => {
      const events = await readEvents(request)
      const receipt = await (await recorder).ingest(events)
      counters.usage(receipt)
      return receiptAnswer(receipt)
    }),
    post('/v1/reservations', 'latchkey:usage', async ({ request }, { latchkey }) => {
      const { secret, key, ...options } = readFields(reserveBody, await readNames(request))
      await wholly(request)
      const given = await latchkey.usage.reserve(selectorOf(secret, key), options)
      counters.verdict(given.verdict)
      return reservedAnswer(given, given.verdict)
    }),
    post('/v1/reservations/ID/settle', 'latchkey:usage', async ({ request, id }, { latchkey }) => {
      const input = readFields(settleBody, await readJson(request))
      await wholly(request)
      const used = await latchkey.usage.settle(id, input)
      counters.usage({ counted: 1, duplicates: 0 })
      return recordedAnswer(used)
    }),
    post('/v1/reservations/ID/release', 'latchkey:usage', async ({ request, id }, { latchkey }) => {
      await wholly(request)
      await latchkey.usage.release(id)
      return noContent
    }),
  ]
}

/** Once every request that has arrived was heard, and so was what follows this one. @throws Refusal */
async function wholly(request: Request): Promise<void> {
  await allHeard()
  requireEnd(request)
}

const verdictAnswer = answering(verdict)
const receiptAnswer = answering(usageReceipt)
const reservedAnswer = answering(reserved)
const recordedAnswer = answering(recorded)
const selfAnswer = answering(self)

function selectorOf(secret: string | undefined, key: string | undefined): KeySelector {
  if (secret !== undefined && key === undefined) return { secret }
  if (key !== undefined && secret === undefined) return key
  throw new LatchkeyError(
    'invalid',
    'the body must name one key for the reservation',
    'send either secret, or key with an id or name',
  )
}
