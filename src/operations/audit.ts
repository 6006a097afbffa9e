/** The audit trail: written in the transaction of the change it tells of, never with a secret in it. */
import type { AuditEntry } from '../contract/views.ts'
import { inChunks } from '../db/chunks.ts'
import { and, desc, eq, gte, lt, or, type SQL } from '../db/query.ts'
import { audit } from '../db/schema/audit.ts'
import type { Database } from '../db/transaction.ts'
import type { OperationContext } from './context.ts'
import { newId } from './ids.ts'
import { requireWords } from './input.ts'

export interface Event {
  /** noun.verb */
  readonly action: string
  readonly target: { readonly type: string; readonly id: string; readonly name: string | null }
  /** What it was done to, as it was and as it became, where there is something to tell. */
  readonly before?: object | null | undefined
  readonly after?: object | null | undefined
}

/** Writes one row; of `before` and `after` only the fields that differ are kept when both are given. */
export async function record(context: OperationContext, db: Database, event: Event): Promise<void> {
  await recordAll(context, db, [event])
}

/** One row for each, in their order. */
export async function recordAll(
  context: OperationContext,
  db: Database,
  events: readonly Event[],
): Promise<void> {
  for (const some of inChunks(events)) {
    await db.insert(audit).values(some.map(event => rowOf(context, event)))
  }
}

function rowOf(context: OperationContext, event: Event): typeof audit.$inferInsert {
  if (!event.before || !event.after) return auditRow(context, event)
  const [before, after] = difference(event.before, event.after)
  return auditRow(context, { ...event, before, after })
}

/** An event as it stands, for whoever has a transaction of their own. */
export function auditRow(
  { now, actor }: Pick<OperationContext, 'now' | 'actor'>,
  { action, target, before, after }: Event,
): typeof audit.$inferInsert {
  const at = now()
  return {
    id: newId('aud', at),
    at: at.getTime(),
    actor: actor.name,
    origin: actor.origin,
    action,
    targetType: target.type,
    targetId: target.id,
    targetName: target.name,
    before: before ?? null,
    after: after ?? null,
  }
}

export interface AuditFilter {
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  readonly actor?: string | undefined
  /** `key.rotate`, or a noun alone for all its actions. */
  readonly action?: string | undefined
  /** Id or name of what was acted on. */
  readonly target?: string | undefined
  /** At most this many rows, the newest; default 100. */
  readonly limit?: number | undefined
}

/** Newest first. */
export function listAudit(
  context: OperationContext,
  filter: AuditFilter = {},
): Promise<readonly AuditEntry[]> {
  const conditions: (SQL | undefined)[] = [
    filter.since && gte(audit.at, filter.since.getTime()),
    filter.until && lt(audit.at, filter.until.getTime()),
    filter.actor === undefined ? undefined : eq(audit.actor, filter.actor),
    filter.action === undefined
      ? undefined
      : filter.action.includes('.')
        ? eq(audit.action, filter.action)
        : and(gte(audit.action, `${filter.action}.`), lt(audit.action, `${filter.action}/`)),
    filter.target === undefined
      ? undefined
      : or(eq(audit.targetId, filter.target), eq(audit.targetName, filter.target)),
  ]
  return context.store.read(async db => {
    requireWords(filter)
    const rows = await db
      .select()
      .from(audit)
      .where(and(...conditions))
      .orderBy(desc(audit.at), desc(audit.id))
      .limit(filter.limit ?? 100)
    return rows.map(row => ({
      id: row.id,
      at: new Date(row.at),
      actor: row.actor,
      origin: row.origin,
      action: row.action,
      target: { type: row.targetType, id: row.targetId, name: row.targetName },
      before: row.before,
      after: row.after,
    }))
  })
}

function difference(before: object, after: object): [object, object] {
  const old = new Map(Object.entries(before))
  const changed = Object.entries(after).filter(
    ([field, value]) => field !== 'updatedAt' && JSON.stringify(old.get(field)) !== JSON.stringify(value),
  )
  return [
    Object.fromEntries(changed.map(([field]) => [field, old.get(field) ?? null])),
    Object.fromEntries(changed),
  ]
}
