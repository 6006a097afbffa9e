/** Sets, removes, lists and resets the limits of a key, user or project. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Limit, LimitState, LimitSubject, PutLimit } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq } from '../../db/query.ts'
import { limits } from '../../db/schema/limits.ts'
import { record } from '../audit.ts'
import { settleChange } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import { targetOf } from '../nouns.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { dropLimits, limitsOf, putLimits } from './change.ts'
import {
  limits as anyLimits,
  type Limited,
  type LimitName,
  limitNames,
  type NewLimit,
  type ResetOptions,
  resetOptions,
} from './input.ts'
import { limitText, limitView } from './view.ts'
import { inOrder, limitStates, momentOf, untilFree } from './window.ts'

const someLimits = v.pipe(anyLimits, v.minLength(1, 'must name at least one'))
const someNames = v.pipe(limitNames, v.minLength(1, 'must name at least one'))

/**
 * Adds limits, or changes the amount of those with the same metric, window and models. All others stay.
 *
 * @throws not_found, ambiguous, invalid
 */
export async function setLimits(
  context: OperationContext,
  limited: Limited,
  list: readonly NewLimit[],
): Promise<readonly PutLimit[]> {
  const wanted = rules.parse(someLimits, list)
  const { before, after } = await change(context, limited, 'limit-add', (db, { type, id }) =>
    putLimits(context, db, type, id, wanted),
  )
  const stood = new Set(before.map(limitText))
  return after.map(limit => ({ ...limit, changed: !stood.has(limitText(limit)) }))
}

/** Removes limits by metric, or by metric and window. @throws not_found, ambiguous, invalid */
export async function removeLimits(
  context: OperationContext,
  limited: Limited,
  names: readonly LimitName[],
): Promise<readonly LimitState[]> {
  const gone = rules.parse(someNames, names)
  const { after } = await change(context, limited, 'limit-remove', (db, { type, id, name }) =>
    dropLimits(db, type, id, gone, name),
  )
  return after
}

/** Lists limits with their usage; for a key also those of its user and project. @throws not_found, ambiguous */
export function listLimits(context: OperationContext, limited: Limited): Promise<readonly LimitState[]> {
  return context.store.read(async db => {
    const subject = await subjectOf(db, limited)
    if (subject.type !== 'key') return limitStates(db.facts, subject, context.now())
    const moment = momentOf(context.now())
    const found = await db.facts.keyAt({ id: subject.id }, moment)
    return untilFree(db.facts, inOrder(found?.limits ?? []), moment)
  })
}

/**
 * Resets the windows of the limits: earlier usage no longer counts against them. History and totals stay, and running
 * requests still count.
 *
 * @throws not_found, ambiguous, invalid, conflict (no limit to reset)
 */
export async function resetLimits(
  context: OperationContext,
  limited: Limited,
  options: ResetOptions = {},
): Promise<readonly LimitState[]> {
  const { metric } = rules.parse(resetOptions, options)
  return context.store.write(async db => {
    const subject = await subjectOf(db, limited)
    const now = context.now()
    const rows = (await limitsOf(db, subject.type, subject.id)).filter(
      row => metric === undefined || row.metric === metric,
    )
    if (rows.length === 0) {
      throw new LatchkeyError(
        'conflict',
        `${subject.name} has no limit${metric === undefined ? '' : ` on ${metric}`}: there is nothing to reset`,
        `list its limits with: latchkey ${subject.type} limit list ${subject.id}`,
      )
    }
    const before = await limitStates(db.facts, subject, now)
    const at = now.getTime()
    for (const limit of rows) {
      const held = await db.facts.heldAt({ subject, limit }, at)
      await db
        .update(limits)
        .set({ resetAt: at, ...held })
        .where(eq(limits.id, limit.id))
    }
    const after = await limitStates(db.facts, subject, now)
    const meant = (state: LimitState) => metric === undefined || state.metric === metric
    await record(context, db, {
      action: `${subject.type}.reset`,
      target: subject,
      before: { limits: before.filter(meant).map(used) },
      after: { limits: after.filter(meant).map(used) },
    })
    return after
  })
}

const used = ({ metric, amount, windowMs, used }: LimitState) => ({ metric, amount, windowMs, used })

async function change(
  context: OperationContext,
  limited: Limited,
  verb: 'limit-add' | 'limit-remove',
  work: (db: Database, subject: LimitSubject) => Promise<void>,
): Promise<{ readonly before: readonly Limit[]; readonly after: readonly LimitState[] }> {
  return context.store.write(async db => {
    const subject = await subjectOf(db, limited)
    const now = context.now()
    const limitsNow = async () => ({
      limits: (await limitsOf(db, subject.type, subject.id)).map(limitView),
      updatedAt: now,
    })
    const before = await limitsNow()
    await work(db, subject)
    await settleChange(context, db, {
      action: `${subject.type}.${verb}`,
      target: subject,
      before,
      after: await limitsNow(),
    })
    return { before: before.limits, after: await limitStates(db.facts, subject, now) }
  })
}

async function subjectOf(db: Database, limited: Limited): Promise<LimitSubject> {
  if ('key' in limited) return targetOf('key', await find(db, 'key', limited.key))
  if ('user' in limited) return targetOf('user', await find(db, 'user', limited.user))
  return targetOf('project', await find(db, 'project', limited.project))
}
