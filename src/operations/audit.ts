/** The audit log. Rows are written in the transaction of their change and never contain secrets. */

import { LatchkeyError } from '../contract/errors.ts'
import { auditActions } from '../contract/views/words.ts'
import type { AuditAction, AuditEntry, Capacity } from '../contract/views.ts'
import { type Chainable, type Head, linkAfter, linked, start } from '../db/chain.ts'
import { inChunks } from '../db/chunks.ts'
import type { Database } from '../db/engine.ts'
import { and, desc, eq, gte, lt, ne, not, or, type SQL, sql } from '../db/query.ts'
import { audit } from '../db/schema/audit.ts'
import { didYouMean, nearest } from '../text/nearest.ts'
import type { OperationContext } from './context.ts'
import { type AuditFilter, type AuditPage, auditFilter } from './input.ts'
import { listed } from './page.ts'
import type { RowProgress } from './progress.ts'
import { newId } from './rules/ids.ts'
import { parsePage } from './rules/input.ts'
import { holdsSecret } from './rules/scan.ts'
import { byId, oneById } from './select.ts'

export interface Event {
  readonly action: AuditAction
  readonly target: { readonly type: string; readonly id: string; readonly name: string | null }
  /** What it was done to, as it was and as it became, where there is something to tell. */
  readonly before?: object | null | undefined
  readonly after?: object | null | undefined
  /** In place of the name of who does it. */
  readonly actor?: string | undefined
}

/** Writes one row. If both `before` and `after` are given, only fields that differ are stored. */
export async function record(context: OperationContext, db: Database, event: Event): Promise<void> {
  await recordAll(context, db, [event])
}

/** Writes one row for each, in order. `tell` is called with the number of rows written. */
export async function recordAll(
  context: OperationContext,
  db: Database,
  events: readonly Event[],
  tell?: RowProgress,
): Promise<void> {
  if (events.length === 0) return
  let head = await headOf(db)
  for (const some of inChunks(events)) {
    const rows = [
      ...linked(
        head,
        some.map(event => rowOf(context, event)),
      ),
    ]
    await db.insert(audit).values(rows)
    head = rows.at(-1) ?? head
    await tell?.(some.length)
  }
}

/** Where the chain ends. It stays there while the transaction that asks is the only one that writes. */
export async function headOf(db: Database): Promise<Head> {
  const { seq, hash } = audit
  const [last] = await db.select({ seq, hash }).from(audit).orderBy(desc(seq)).limit(1)
  return last ?? start
}

function rowOf(context: OperationContext, event: Event): Chainable {
  if (!event.before || !event.after) return auditRow(context, event)
  const [before, after] = difference(event.before, event.after)
  return auditRow(context, { ...event, before, after })
}

/**
 * The columns of a row, by name, for whoever has a transaction of their own.
 *
 * @param head where the chain ends; undefined when the schema is from before there was one
 */
export function auditColumns(
  context: Pick<OperationContext, 'now' | 'actor'>,
  event: Event,
  head: Head | undefined,
): Readonly<Record<string, string | number | null>> {
  const row = auditRow(context, event)
  const { targetType, targetId, targetName, ...rest } = row
  return {
    ...rest,
    target_type: targetType,
    target_id: targetId,
    target_name: targetName,
    ...(head && linkAfter(head, row)),
  }
}

function auditRow(
  { now, actor }: Pick<OperationContext, 'now' | 'actor'>,
  { action, target, before, after, actor: name = actor.name }: Event,
): Chainable {
  const at = now()
  if (actor.user === undefined && isUserId(actor.name)) {
    throw new LatchkeyError(
      'config',
      `the actor is named like a user, for whom this is not done: ${actor.name}`,
      'set LATCHKEY_ACTOR, or actor in the library, to another name; for a user a program acts with latchkey.as(id)',
    )
  }
  if (holdsSecret(actor.name)) {
    throw new LatchkeyError(
      'config',
      'the name of the actor contains a secret, which the audit log would store',
      'set LATCHKEY_ACTOR, or actor in the library, to a name',
    )
  }
  return {
    id: newId('aud', at),
    at: at.getTime(),
    actor: name,
    origin: actor.origin,
    action,
    targetType: target.type,
    targetId: target.id,
    targetName: target.name,
    before: jsonOf(before),
    after: jsonOf(after),
  }
}

const jsonOf = (value: object | null | undefined): string | null => (value ? JSON.stringify(value) : null)

const parsed = (json: string | null): unknown => (json === null ? null : JSON.parse(json))

/** Newest first. @throws invalid (unknown action); not_found, ambiguous for the change to begin after */
export const auditList = listed((_, given: AuditPage = {}) => {
  const { limit = 100, after, ...filter } = parsePage(auditFilter, given)
  return {
    limit,
    open: async db => {
      const where = await conditionOf(db, filter)
      const { at, seq } = audit
      return {
        after: after === undefined ? undefined : await oneChange(db, after),
        read: async (last: Place | undefined, size: number) => {
          const beyond = last && sql`(${at}, ${seq}) < (${last.at}, ${last.seq})`
          const rows = db
            .select()
            .from(audit)
            .where(and(where, beyond))
            .orderBy(desc(at), desc(seq))
            .limit(size)
          return (await rows).map(entryOf)
        },
        keyOf: ({ at, seq }: AuditEntry) => ({ at: at.getTime(), seq }),
      }
    },
  }
})

type Place = Pick<typeof audit.$inferSelect, 'at' | 'seq'>

/** @param filter checked. @throws invalid (unknown action) */
export async function conditionOf(db: Database, filter: AuditFilter): Promise<SQL | undefined> {
  const { since, until, actor, as, action, target } = filter
  if (action !== undefined) await requireAction(db, action)
  return and(
    since && gte(audit.at, since.getTime()),
    until && lt(audit.at, until.getTime()),
    actor === undefined ? undefined : eq(audit.actor, actor),
    as && madeAs[as],
    action === undefined ? undefined : hasAction(action),
    target === undefined ? undefined : or(eq(audit.targetId, target), eq(audit.targetName, target)),
  )
}

/**
 * @param selector an id, or the beginning of one
 * @throws not_found, ambiguous
 */
export const getAuditEntry = (context: OperationContext, selector: string): Promise<AuditEntry> =>
  context.store.read(async db => entryOf(await oneChange(db, selector)))

function oneChange(db: Database, selector: string): Promise<typeof audit.$inferSelect> {
  const read = (isMeant: SQL) => db.select().from(audit).where(isMeant).limit(2)
  return oneById('change', byId(audit.id, selector, 'aud'), read, 'latchkey audit list -o wide')
}

export const entryOf = (row: typeof audit.$inferSelect): AuditEntry => ({
  id: row.id,
  at: new Date(row.at),
  actor: row.actor,
  as: capacityOf(row),
  origin: row.origin,
  action: row.action,
  target: { type: row.targetType, id: row.targetId, name: row.targetName },
  before: parsed(row.before),
  after: parsed(row.after),
  seq: row.seq,
  hash: row.hash,
})

/** Nobody but a user for whom something is done is named like this. By its form alone, which `byUser` can tell too. */
const isUserId = (name: string): boolean => name.startsWith('usr_') && name.length === 30

const capacityOf = ({ actor, origin }: Pick<Chainable, 'actor' | 'origin'>): Capacity => {
  if (isUserId(actor)) return 'user'
  return origin === 'library' ? 'backend' : 'operator'
}

/** As `capacityOf`. */
const byUser = sql`(substr(${audit.actor}, 1, 4) = 'usr_' AND length(${audit.actor}) = 30)`
const madeAs: Readonly<Record<Capacity, SQL | undefined>> = {
  user: byUser,
  backend: and(eq(audit.origin, 'library'), not(byUser)),
  operator: and(ne(audit.origin, 'library'), not(byUser)),
}

/** One action, or all actions of a noun. */
const hasAction = (action: string): SQL | undefined =>
  action.includes('.')
    ? eq(audit.action, action)
    : and(gte(audit.action, `${action}.`), lt(audit.action, `${action}/`))

/** Actions that another version recorded are accepted too. @throws invalid */
async function requireAction(db: Database, action: string): Promise<void> {
  const nouns = [...new Set(auditActions.map(each => each.replace(/\..*/, '')))]
  const known = [...auditActions, ...nouns]
  if (known.some(each => each === action)) return
  const [done] = await db.select({ id: audit.id }).from(audit).where(hasAction(action)).limit(1)
  if (done) return
  const [noun = ''] = action.split('.')
  const ofNoun = auditActions.filter(each => each.startsWith(`${noun}.`))
  const ofVerb = auditActions.filter(each => each.endsWith(`.${action}`))
  const offered = [ofVerb, ofNoun].find(some => some.length > 0) ?? nouns
  throw new LatchkeyError(
    'invalid',
    `there is no action '${action}'${didYouMean(nearest(action, known) ?? ofVerb[0])}`,
    `choose from ${offered.join(', ')}`,
  )
}

/** The fields that differ, except `updatedAt`. */
export function differingFields(before: object, after: object): readonly string[] {
  const old = new Map(Object.entries(before))
  return Object.entries(after)
    .filter(
      ([field, value]) => field !== 'updatedAt' && JSON.stringify(old.get(field)) !== JSON.stringify(value),
    )
    .map(([field]) => field)
}

function difference(before: object, after: object): [object, object] {
  const fields = differingFields(before, after)
  const pick = (view: object) => {
    const values = new Map(Object.entries(view))
    return Object.fromEntries(fields.map(field => [field, values.get(field) ?? null]))
  }
  return [pick(before), pick(after)]
}
