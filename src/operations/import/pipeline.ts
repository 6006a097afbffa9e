/**
 * The way of every import of keys: check all of it, plan, apply, verify, in one transaction that either happens
 * whole or not at all. An import that would change nothing writes nothing.
 */
import { eq, inArray, sql } from 'drizzle-orm'
import type { ImportItem, ImportReport, Key } from '../../contract/views.ts'
import { carriedUsage, importedKeys, imports, keys, usage } from '../../db/schema.ts'
import type { Database } from '../../db/transaction.ts'
import type { ForeignKeys } from '../../formats/foreign-key.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { newId } from '../ids.ts'
import { keyViews } from '../keys/view.ts'
import { toDollars } from '../limits.ts'
import { applyCreations, applyUpdate, type Stamp } from './apply.ts'
import { type Plan, planImport } from './plan.ts'
import { prepare } from './prepare.ts'

/**
 * @param source what the keys are remembered under, for the next import from there
 * @param file for messages
 * @throws invalid, naming the first problem of the source and how many more there are
 */
export function importKeys(
  context: OperationContext,
  source: string,
  file: string,
  found: ForeignKeys,
): Promise<ImportReport> {
  const incoming = prepare(file, found)
  return context.store.write(async db => {
    const now = context.now()
    const stamp: Stamp = { source, importId: newId('imp', now), now }
    const plans = await planImport(db, source, incoming)
    const report = reportOf(stamp, plans, found.ignoredFields)
    if (plans.every(plan => plan.action === 'none')) return report
    await db.insert(imports).values({ id: stamp.importId, source, at: now.getTime(), report })
    const known = plans.flatMap(plan => (plan.action === 'update' ? [plan.row.id] : []))
    const before = await gaps(db, known)
    const touched = await applyAll(context, db, stamp, plans)
    await verify(db, stamp, touched, before)
    const { created, updated, unchanged, refused } = report
    await record(context, db, {
      action: `import.${source}`,
      target: { type: 'import', id: stamp.importId, name: null },
      after: { created, updated, unchanged, refused },
    })
    return report
  })
}

/**
 * Applies every plan; the ids of the keys that it touched. Updates come first: a new key may have been given a name
 * that an update sets free, and never the other way round.
 */
async function applyAll(
  context: OperationContext,
  db: Database,
  stamp: Stamp,
  plans: readonly Plan[],
): Promise<readonly string[]> {
  const updates = plans.filter(plan => plan.action === 'update')
  const known = updates.map(plan => plan.row.id)
  const before = await snapshots(db, stamp, known)
  for (const plan of updates) await applyUpdate(db, stamp, plan)
  const created = await applyCreations(
    db,
    stamp,
    plans.filter(plan => plan.action === 'create'),
  )
  const seen = new Set(updates.filter(plan => plan.item.outcome === 'updated').map(plan => plan.row.id))
  const shown = [...known.filter(id => seen.has(id)), ...created]
  for (const [id, after] of await snapshots(db, stamp, shown)) {
    const old = before.get(id)
    await record(context, db, {
      action: 'key.import',
      target: { type: 'key', id, name: after.name },
      ...(old ? { before: old } : {}),
      after,
    })
  }
  return [...known, ...created]
}

type Snapshot = Key & { readonly tokens: number; readonly requests: number; readonly costUsd: number }

/** By id, oldest first: keys and what they used, as the audit trail keeps them. */
async function snapshots(
  db: Database,
  stamp: Stamp,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Snapshot>> {
  const found = new Map<string, Snapshot>()
  for (let at = 0; at < ids.length; at += chunkSize) {
    const chunk = inArray(keys.id, ids.slice(at, at + chunkSize))
    const used = await db
      .select({
        id: keys.id,
        tokens: sql<number>`${keys.inputTokens} + ${keys.outputTokens} + ${keys.otherTokens}`,
        requests: keys.requests,
        costMicros: keys.costMicros,
      })
      .from(keys)
      .where(chunk)
    const byId = new Map(used.map(row => [row.id, row]))
    for (const view of await keyViews(db, stamp.now, chunk)) {
      const row = byId.get(view.id)
      if (!row) throw new Error('a key without a row')
      found.set(view.id, {
        ...view,
        tokens: row.tokens,
        requests: row.requests,
        costUsd: toDollars(row.costMicros),
      })
    }
  }
  return found
}

function reportOf(stamp: Stamp, plans: readonly Plan[], ignoredFields: readonly string[]): ImportReport {
  const items = plans.map(plan => plan.item)
  const number = (outcome: ImportItem['outcome']): number =>
    items.filter(item => item.outcome === outcome).length
  return {
    id: stamp.importId,
    source: stamp.source,
    created: number('created'),
    updated: number('updated'),
    unchanged: number('unchanged'),
    refused: number('refused'),
    items,
    ignoredFields,
  }
}

/** Counts again what was written; a difference is a mistake of this program, and takes the whole import back. */
async function verify(
  db: Database,
  stamp: Stamp,
  touched: readonly string[],
  before: ReadonlyMap<string, string>,
): Promise<void> {
  const remembered = await db.$count(importedKeys, eq(importedKeys.importId, stamp.importId))
  if (remembered !== touched.length) {
    throw new Error(`${touched.length} keys were imported, but ${remembered} are in the database`)
  }
  const after = await gaps(db, touched)
  for (const id of touched) {
    if (after.get(id) === (before.get(id) ?? noGap)) continue
    throw new Error(`the usage of ${id} would no longer add up after the import`)
  }
}

const noGap = '0 0 0'
const chunkSize = 500

/** By key: running total less carried less buckets, of tokens, requests and cost. None but zeros is sound. */
async function gaps(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (let at = 0; at < ids.length; at += chunkSize) {
    const bucketSums = db
      .select({
        keyId: usage.keyId,
        tokens: sql<number>`sum(${usage.inputTokens} + ${usage.outputTokens} + ${usage.otherTokens})`.as(
          'tokens_sum',
        ),
        requests: sql<number>`sum(${usage.requests})`.as('requests_sum'),
        costMicros: sql<number>`sum(${usage.costMicros})`.as('cost_sum'),
      })
      .from(usage)
      .where(inArray(usage.keyId, ids.slice(at, at + chunkSize)))
      .groupBy(usage.keyId)
      .as('bucket_sums')
    const rows = await db
      .select({
        id: keys.id,
        tokens: sql<number>`${keys.inputTokens} + ${keys.outputTokens} + ${keys.otherTokens} - coalesce(${carriedUsage.tokens}, 0) - coalesce(${bucketSums.tokens}, 0)`,
        requests: sql<number>`${keys.requests} - coalesce(${carriedUsage.requests}, 0) - coalesce(${bucketSums.requests}, 0)`,
        cost: sql<number>`${keys.costMicros} - coalesce(${carriedUsage.costMicros}, 0) - coalesce(${bucketSums.costMicros}, 0)`,
      })
      .from(keys)
      .leftJoin(carriedUsage, eq(carriedUsage.keyId, keys.id))
      .leftJoin(bucketSums, eq(bucketSums.keyId, keys.id))
      .where(inArray(keys.id, ids.slice(at, at + chunkSize)))
    for (const row of rows) found.set(row.id, `${row.tokens} ${row.requests} ${row.cost}`)
  }
  return found
}
