/** What the holder of a key may see of it. Only reads, and counts no denial. */
import { secretIn } from '../../contract/secret-in.ts'
import type { Self } from '../../contract/views.ts'
import { addDays, startOfDay } from '../../system/calendar.ts'
import type { OperationContext } from '../context.ts'
import { verifySecret } from '../keys/verify.ts'
import { forecasts, momentOf } from '../limits/window.ts'
import { readReport } from '../usage/report.ts'
import { refusal } from './authorize.ts'
import type { Carrier, Refused } from './input.ts'

const days = 14

/** For the key in the request. Works while a limit is used up too. */
export async function self(context: OperationContext, { headers }: Carrier): Promise<Self | Refused> {
  const now = context.now()
  const secret = secretIn(headers)
  const verdict = secret === undefined ? null : await verifySecret(context, secret, { at: now })
  const answer = refusal(verdict, now)
  if (verdict === null || verdict.key === null || (!verdict.valid && answer.status === 401)) return answer
  const { id, name, start, status, model, allowedModels, scopes, expiresAt } = verdict.key
  return context.store.read(async db => {
    const moment = momentOf(now)
    const found = await db.facts.keyAt({ id }, moment)
    const limits = await forecasts(db.facts, found?.limits ?? [], moment)
    const since = addDays(startOfDay(now, 'UTC'), 1 - days, 'UTC')
    const rows = readReport(db, { by: ['day', 'model'], key: id, since }, now)
    const usage = await Array.fromAsync(
      rows,
      ({ key: _, user, project, organization, team, start, ...counts }) => ({
        start: start ?? since,
        ...counts,
      }),
    )
    return { key: { id, name, start, status, model, allowedModels, scopes, expiresAt }, limits, usage }
  })
}
