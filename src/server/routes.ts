/** The paths of the server, who may ask for them, and which operation answers. */

import { LatchkeyError } from '../contract/errors.ts'
import { reserved, verdict } from '../contract/views/keys.ts'
import { recorded, usageReceipt } from '../contract/views/usage.ts'
import type { KeySelector } from '../index.ts'
import { programVersion } from '../system/version.ts'
import { type Answer, answering, noContent, statusAnswer, textAnswer } from './answer.ts'
import { watchBackups } from './backups.ts'
import { readEvents, readJson } from './body.ts'
import type { AppOptions, Call } from './call.ts'
import type { Opened } from './database.ts'
import { readFields, reserveBody, settleBody, verifyBody } from './input.ts'
import { contentType, exposition, gauge, inventoryFamilies } from './metrics.ts'

/** What the key of a caller must be allowed to do. */
type Scope = 'latchkey:verify' | 'latchkey:usage' | 'latchkey:metrics'

/** `ID` in a path stands for one id. */
interface Place {
  readonly method: 'GET' | 'POST'
  readonly path: string
}

/** Without a scope anybody may ask, and the database need not be there. */
export type Route = Place &
  (
    | { readonly scope: null; readonly answer: (call: Call) => Promise<Answer> }
    | { readonly scope: Scope; readonly answer: (call: Call, opened: Opened) => Promise<Answer> }
  )

interface Surroundings extends AppOptions {
  readonly state: { readonly stopping: boolean }
}

export function routesOf({ database, counters, now, log, state }: Surroundings): readonly Route[] {
  const startedAt = now()
  const backups = watchBackups(now, log)

  const requireReady = async (): Promise<void> => {
    if (state.stopping) throw new LatchkeyError('busy', 'the server is stopping', 'ask another one')
    await database.requireReady()
  }
  return [
    { method: 'GET', path: '/healthz', scope: null, answer: async () => statusAnswer('alive') },
    {
      method: 'GET',
      path: '/readyz',
      scope: null,
      answer: async () => {
        await requireReady()
        return statusAnswer('ready')
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      scope: 'latchkey:metrics',
      answer: async (_, { latchkey }) => {
        const ready = await requireReady().then(
          () => 1,
          () => 0,
        )
        const version = { labels: { version: programVersion, bun: Bun.version }, value: 1 }
        const families = [
          gauge('latchkey_build_info', 'Always 1; the versions are labels', [version]),
          gauge('latchkey_start_time_seconds', 'When the server started', startedAt.getTime() / 1_000),
          gauge('latchkey_ready', 'What /readyz says', ready),
          ...inventoryFamilies(await latchkey.inventory()),
          ...(await backups(latchkey)),
          ...counters.families(),
        ]
        return textAnswer(contentType, exposition(families))
      },
    },
    {
      method: 'POST',
      path: '/v1/verify',
      scope: 'latchkey:verify',
      answer: async ({ request }, { latchkey }) => {
        const { secret, model, scope, ...wanted } = readFields(verifyBody, await readJson(request))
        const given = await latchkey.keys.verify(secret, { model, scope, wanted })
        counters.verdict(given)
        return { ...verdictAnswer(given), code: given.code, verdict: given }
      },
    },
    {
      method: 'POST',
      path: '/v1/usage',
      scope: 'latchkey:usage',
      answer: async ({ request }, { recorder }) => {
        const events = await readEvents(request)
        const receipt = await (await recorder).ingest(events)
        counters.usage(receipt)
        return receiptAnswer(receipt)
      },
    },
    {
      method: 'POST',
      path: '/v1/reservations',
      scope: 'latchkey:usage',
      answer: async ({ request }, { latchkey }) => {
        const { secret, key, ...options } = readFields(reserveBody, await readJson(request))
        const given = await latchkey.usage.reserve(selectorOf(secret, key), options)
        counters.verdict(given.verdict)
        return { ...reservedAnswer(given), code: given.verdict.code, verdict: given.verdict }
      },
    },
    {
      method: 'POST',
      path: '/v1/reservations/ID/settle',
      scope: 'latchkey:usage',
      answer: async ({ request, id }, { latchkey }) => {
        const used = await latchkey.usage.settle(id, readFields(settleBody, await readJson(request)))
        counters.usage({ counted: 1, duplicates: 0 })
        return recordedAnswer(used)
      },
    },
    {
      method: 'POST',
      path: '/v1/reservations/ID/release',
      scope: 'latchkey:usage',
      answer: async ({ id }, { latchkey }) => {
        await latchkey.usage.release(id)
        return noContent
      },
    },
  ]
}

const verdictAnswer = answering(verdict)
const receiptAnswer = answering(usageReceipt)
const reservedAnswer = answering(reserved)
const recordedAnswer = answering(recorded)

function selectorOf(secret: string | undefined, key: string | undefined): KeySelector {
  if (secret !== undefined && key === undefined) return { secret }
  if (key !== undefined && secret === undefined) return key
  throw new LatchkeyError(
    'invalid',
    'the body must say whose reservation it is, once',
    'send either secret, or key with an id or a name',
  )
}
