/** Sets, removes, lists and resets the limits of what can have them. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { LimitedNoun } from '../../contract/nouns.ts'
import type { Limit, LimitState, LimitSubject, PutLimit } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq } from '../../db/query.ts'
import { limits } from '../../db/schema/limits.ts'
import { record } from '../audit.ts'
import { settleChange } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import { type Row, targetOf } from '../nouns.ts'
import { authorize, type On } from '../organizations/access.ts'
import { requireNotErased } from '../people/recipient.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { dropLimits, limitsOf, listLine, memberSubjects, nameOfSubject, putLimits } from './change.ts'
import {
  limits as anyLimits,
  type Limited,
  type LimitName,
  limitNames,
  type MembersLimited,
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
 * @throws not_found, ambiguous, invalid, conflict (of a user who was erased), denied
 */
export async function setLimits(
  context: OperationContext,
  limited: Limited,
  list: readonly NewLimit[],
): Promise<readonly PutLimit[]> {
  const wanted = rules.parse(someLimits, list)
  const { before, after } = await change(context, limited, 'limit-add', async (db, subject) => {
    const { type, id, name, member } = subject
    const user = type === 'user' ? { id, username: name } : member
    if (user !== null) await requireNotErased(db, user)
    await putLimits(context, db, subject, wanted)
  })
  const stood = new Set(before.map(limitText))
  return after.map(limit => ({ ...limit, changed: !stood.has(limitText(limit)) }))
}

/** Removes limits by metric, or by metric and window. @throws not_found, ambiguous, invalid, denied */
export async function removeLimits(
  context: OperationContext,
  limited: Limited,
  names: readonly LimitName[],
): Promise<readonly LimitState[]> {
  const gone = rules.parse(someNames, names)
  const { after } = await change(context, limited, 'limit-remove', (db, subject) =>
    dropLimits(db, subject, gone),
  )
  return after
}

/**
 * Lists limits with their usage; for a key all that bind it, of an organization and its teams too.
 *
 * @throws not_found, ambiguous
 */
export function listLimits(context: OperationContext, limited: Limited): Promise<readonly LimitState[]> {
  return context.store.read(async db => {
    const { subject } = await subjectOf(db, limited)
    if (subject.type !== 'key') return limitStates(db.facts, subject, context.now())
    const moment = momentOf(context.now())
    const found = await db.facts.keyAt({ id: subject.id }, moment)
    return untilFree(db.facts, inOrder(found?.limits ?? []), moment)
  })
}

/**
 * Lists the limits of every single member of a project or organization, by username, with their usage; of a user, those that bind
 * the user alone somewhere.
 *
 * @throws not_found, ambiguous
 */
export function listMemberLimits(
  context: OperationContext,
  limited: MembersLimited,
): Promise<readonly LimitState[]> {
  return context.store.read(async db => {
    const subjects = await memberSubjects(db, (await subjectOf(db, limited)).subject)
    const moment = momentOf(context.now())
    const found = Map.groupBy(await db.facts.limitsAt(subjects, moment), ({ subject }) => subject)
    const sorted = subjects.flatMap(subject => inOrder(found.get(subject) ?? []))
    return untilFree(db.facts, sorted, moment)
  })
}

/**
 * Resets the windows of the limits: earlier usage no longer counts against them. History and totals stay, and running
 * requests still count.
 *
 * @throws not_found, ambiguous, invalid, conflict (no limit to reset), denied
 */
export async function resetLimits(
  context: OperationContext,
  limited: Limited,
  options: ResetOptions = {},
): Promise<readonly LimitState[]> {
  const { metric } = rules.parse(resetOptions, options)
  return context.store.write(async db => {
    const { subject, on } = await subjectOf(db, limited)
    await authorize(context, db, 'limit:write', on)
    const now = context.now()
    const rows = (await limitsOf(db, subject)).filter(row => metric === undefined || row.metric === metric)
    if (rows.length === 0) {
      throw new LatchkeyError(
        'conflict',
        `${nameOfSubject(subject)} has no limit${metric === undefined ? '' : ` on ${metric}`}: there is nothing to reset`,
        `list its limits with: ${listLine(subject)}`,
      )
    }
    const before = await limitStates(db.facts, subject, now)
    const at = now.getTime()
    for (const limit of rows) {
      const held = await db.facts.heldAt({ subject, limit }, momentOf(now))
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
      before: { ...ofMember(subject), limits: before.filter(meant).map(used) },
      after: { ...ofMember(subject), limits: after.filter(meant).map(used) },
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
    const { subject, on } = await subjectOf(db, limited)
    await authorize(context, db, 'limit:write', on)
    const now = context.now()
    const limitsNow = async () => ({
      ...ofMember(subject),
      limits: (await limitsOf(db, subject)).map(limitView),
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

/** What an audit row says of whom. */
const ofMember = ({ member }: LimitSubject) => (member === null ? {} : { user: member })

/** Whose limits they are, and where who changes them needs the permission. */
async function subjectOf(
  db: Database,
  limited: Limited,
): Promise<{ readonly subject: LimitSubject; readonly on: On }> {
  const of = <N extends LimitedNoun>(noun: N, row: Row<N>, member: LimitSubject['member'] = null) => ({
    ...targetOf(noun, row),
    member,
  })
  if ('key' in limited) {
    const key = await find(db, 'key', limited.key)
    const project = key.projectId === null ? undefined : await find(db, 'project', key.projectId)
    return { subject: of('key', key), on: { project } }
  }
  if ('user' in limited) return { subject: of('user', await find(db, 'user', limited.user)), on: {} }
  if ('team' in limited) {
    const team = await find(db, 'team', limited.team)
    return { subject: of('team', team), on: { org: await find(db, 'org', team.organizationId) } }
  }
  const user = limited.member === undefined ? null : await find(db, 'user', limited.member)
  const member = user && { id: user.id, username: user.username }
  if ('org' in limited) {
    const org = await find(db, 'org', limited.org)
    return { subject: of('org', org, member), on: { org } }
  }
  const project = await find(db, 'project', limited.project)
  return { subject: of('project', project, member), on: { project } }
}
