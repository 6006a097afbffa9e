/** Carries out what was planned, inside the transaction of the import. */

import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, inArray, sql } from '../../db/query.ts'
import { importedKeys, importedProjects, importedUsers } from '../../db/schema/imports.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { projects, users } from '../../db/schema/people.ts'
import { carriedUsage, usage } from '../../db/schema/usage.ts'
import type { ForeignCounts } from '../../formats/foreign-data.ts'
import { limitRows } from '../limits/rows.ts'
import type { RowProgress } from '../progress.ts'
import { newId } from '../rules/ids.ts'
import { type KeyPlan, revoked } from './plan.ts'
import type { ProjectPlan, UserPlan } from './plan-people.ts'
import { type IncomingKey, limitWindowMs } from './prepare.ts'
import type { Stamp } from './stamp.ts'
import { add, type BookedWindow, isNothing, noCounts, subtract, type UsageMerge } from './state.ts'

/**
 * Creates the keys of many plans with a few statements: the database can be written by nobody else meanwhile.
 * Returns their ids, in the order of the plans.
 */
export async function applyCreations(
  db: Database,
  stamp: Stamp,
  plans: readonly Extract<KeyPlan, { action: 'create' }>[],
  tell: RowProgress,
): Promise<readonly string[]> {
  const ids: string[] = []
  for (const some of inChunks(plans)) {
    const rows = some.map(plan => newRows(stamp, plan))
    ids.push(...rows.map(({ key }) => key.id))
    await db.insert(keys).values(rows.map(({ key }) => key))
    await db.insert(secrets).values(rows.map(({ secret }) => secret))
    const limitsOfAll = rows.flatMap(({ limit }) => limit)
    if (limitsOfAll.length > 0) await db.insert(limits).values(limitsOfAll)
    await db.insert(importedKeys).values(rows.map(({ imported }) => imported))
    for (const buckets of inChunks(rows.flatMap(row => row.buckets))) await db.insert(usage).values(buckets)
    const carried = rows.map(row => row.carried).filter(counts => !isNothing(counts))
    if (carried.length > 0) await db.insert(carriedUsage).values(carried)
    await tell(rows.length)
  }
  return ids
}

/** Brings the users of a source here; links are remembered, and nothing else is done to who was here already. */
export async function applyUsers(db: Database, stamp: Stamp, plans: readonly UserPlan[]): Promise<void> {
  const creations = plans.filter(plan => plan.action === 'create')
  for (const plan of plans) {
    if (plan.action !== 'update') continue
    if (Object.keys(plan.changes).length > 0) {
      const set = { ...plan.changes, updatedAt: stamp.now.getTime() }
      await db.update(users).set(set).where(eq(users.id, plan.id))
    }
    await db
      .update(importedUsers)
      .set({ importId: stamp.importId, state: plan.state })
      .where(and(eq(importedUsers.source, stamp.source), eq(importedUsers.foreignId, plan.foreignId)))
  }
  for (const some of inChunks(creations)) await db.insert(users).values(some.map(({ row }) => row))
  const remembered = plans.flatMap(plan => {
    if (plan.action !== 'create' && plan.action !== 'link') return []
    const userId = plan.action === 'create' ? plan.row.id : plan.id
    const { foreignId, state } = plan
    return [{ source: stamp.source, importId: stamp.importId, foreignId, state, userId }]
  })
  for (const some of inChunks(remembered)) await db.insert(importedUsers).values(some)
}

export async function applyProjects(
  db: Database,
  stamp: Stamp,
  plans: readonly ProjectPlan[],
): Promise<void> {
  const creations = plans.filter(plan => plan.action === 'create')
  for (const plan of plans) {
    if (plan.action !== 'update') continue
    if (Object.keys(plan.changes).length > 0) {
      const set = { ...plan.changes, updatedAt: stamp.now.getTime() }
      await db.update(projects).set(set).where(eq(projects.id, plan.id))
    }
    await db
      .update(importedProjects)
      .set({ importId: stamp.importId, state: plan.state })
      .where(and(eq(importedProjects.source, stamp.source), eq(importedProjects.foreignId, plan.foreignId)))
  }
  for (const some of inChunks(creations)) {
    await db.insert(projects).values(some.map(({ row }) => row))
    await db.insert(importedProjects).values(
      some.map(({ foreignId, state, row }) => ({
        source: stamp.source,
        importId: stamp.importId,
        foreignId,
        state,
        projectId: row.id,
      })),
    )
  }
}

function newRows(stamp: Stamp, { key, name, userId, usage: merge }: Extract<KeyPlan, { action: 'create' }>) {
  const keyId = newId('key', stamp.now)
  const createdAt = key.createdAt ?? earliestTrace(key) ?? stamp.now.getTime()
  const { tokens, requests, costMicros } = merge.total
  const { inputTokens, outputTokens } = merge.split
  return {
    key: {
      id: keyId,
      name,
      userId,
      model: key.model,
      scopes: [],
      expiresAt: key.expiresAt,
      revokedAt: key.revokedAt,
      revokedReason: key.revokedAt === null ? null : revoked(stamp.source),
      createdAt,
      updatedAt: stamp.now.getTime(),
      lastUsedAt: key.lastUsedAt,
      inputTokens,
      outputTokens,
      otherTokens: tokens - inputTokens - outputTokens,
      requests,
      costMicros,
    },
    secret: { hash: key.hash, keyId, start: key.start, createdAt },
    limit:
      key.tokenLimit === null
        ? []
        : limitRows(
            keyId,
            [{ metric: 'tokens', amount: key.tokenLimit, windowMs: limitWindowMs }],
            stamp.now,
          ),
    imported: { source: stamp.source, hash: key.hash, keyId, importId: stamp.importId, state: merge.state },
    buckets: newBuckets(keyId, merge.windows),
    carried: { keyId, ...subtract(merge.total, merge.windows.reduce<ForeignCounts>(add, noCounts)) },
  }
}

/** The windows of a new key by minute; all have its one model. */
function newBuckets(keyId: string, windows: readonly BookedWindow[]): (typeof usage.$inferInsert)[] {
  const byMinute = new Map<number, BookedWindow>()
  for (const window of windows) {
    const start = startOf(window.start, minuteMs)
    byMinute.set(start, { model: window.model, start, ...add(byMinute.get(start) ?? noCounts, window) })
  }
  return [...byMinute.values()].map(({ tokens, ...bucket }) => ({ keyId, otherTokens: tokens, ...bucket }))
}

function earliestTrace(key: IncomingKey): number | null {
  const times = [
    ...key.windows.map(window => window.start),
    ...(key.lastUsedAt === null ? [] : [key.lastUsedAt]),
  ]
  return times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b))
}

/**
 * Brings a key to what its source changed; times of change are kept for what an operator would call one. Returns how
 * its usage was moved.
 */
export async function applyUpdate(
  db: Database,
  stamp: Stamp,
  plan: Extract<KeyPlan, { action: 'update' }>,
): Promise<UsageMove> {
  const { row, changes, tokenLimit } = plan
  const { lastUsedAt: _, ...settings } = changes
  const set = {
    ...changes,
    ...(Object.keys(settings).length > 0 || tokenLimit !== null ? { updatedAt: stamp.now.getTime() } : {}),
  }
  if (Object.keys(set).length > 0) await db.update(keys).set(set).where(eq(keys.id, row.id))
  if (tokenLimit !== null) await setLimit(db, stamp, row.id, tokenLimit)
  const moved = await moveUsage(db, row.id, plan.usage)
  await db
    .update(importedKeys)
    .set({ importId: stamp.importId, state: plan.usage.state })
    .where(and(eq(importedKeys.source, stamp.source), eq(importedKeys.hash, plan.hash)))
  return moved
}

async function setLimit(db: Database, stamp: Stamp, keyId: string, amount: number): Promise<void> {
  await db
    .insert(limits)
    .values(limitRows(keyId, [{ metric: 'tokens', amount, windowMs: limitWindowMs }], stamp.now))
    .onConflictDoUpdate({ target: [limits.keyId, limits.metric, limits.windowMs], set: { amount } })
}

/** By how much the buckets and running totals of a key moved, or are to move. */
export type UsageMove = Pick<UsageMerge, 'windows' | 'total' | 'split'>

/**
 * Buckets, carried and running totals move together: running total = carried + all buckets, before and after. Returns
 * what was moved: less than asked for where a bucket had no longer what was to be taken out of it.
 */
export async function moveUsage(db: Database, keyId: string, move: UsageMove): Promise<UsageMove> {
  const windows: BookedWindow[] = []
  for (const window of move.windows) {
    await book(db, keyId, window.start, window.model, positive(window))
    const taken = await takeBack(db, keyId, window, positive(subtract(noCounts, window)))
    windows.push({ start: window.start, model: window.model, ...subtract(positive(window), taken) })
  }
  const { total, split } = move
  await db
    .update(keys)
    .set({
      inputTokens: sql`${keys.inputTokens} + ${split.inputTokens}`,
      outputTokens: sql`${keys.outputTokens} + ${split.outputTokens}`,
      otherTokens: sql`${keys.otherTokens} + ${total.tokens - split.inputTokens - split.outputTokens}`,
      requests: sql`${keys.requests} + ${total.requests}`,
      costMicros: sql`${keys.costMicros} + ${total.costMicros}`,
    })
    .where(eq(keys.id, keyId))
  await carry(db, keyId, subtract(total, windows.reduce<ForeignCounts>(add, noCounts)))
  return { windows, total, split }
}

const positive = (counts: ForeignCounts): ForeignCounts => ({
  tokens: Math.max(0, counts.tokens),
  requests: Math.max(0, counts.requests),
  costMicros: Math.max(0, counts.costMicros),
})

const minuteMs = 60_000
const startOf = (at: number, widthMs: number): number => Math.floor(at / widthMs) * widthMs

async function book(
  db: Database,
  keyId: string,
  at: number,
  model: string,
  counts: ForeignCounts,
): Promise<void> {
  if (isNothing(counts)) return
  const { tokens, requests, costMicros } = counts
  await db
    .insert(usage)
    .values({ keyId, start: startOf(at, minuteMs), model, otherTokens: tokens, requests, costMicros })
    .onConflictDoUpdate({
      target: [usage.keyId, usage.start, usage.model],
      set: {
        otherTokens: sql`${usage.otherTokens} + ${tokens}`,
        requests: sql`${usage.requests} + ${requests}`,
        costMicros: sql`${usage.costMicros} + ${costMicros}`,
      },
    })
}

/**
 * Takes counts that the source withdrew out of the bucket that has them: the minute, or the hour or day that it was
 * folded into. What is found nowhere stays in the buckets and is made up for in what is carried. Returns what was taken.
 */
async function takeBack(
  db: Database,
  keyId: string,
  window: BookedWindow,
  counts: ForeignCounts,
): Promise<ForeignCounts> {
  let missing = counts
  if (isNothing(missing)) return noCounts
  const starts = [minuteMs, 60 * minuteMs, 24 * 60 * minuteMs].map(width => startOf(window.start, width))
  const buckets = await db
    .select()
    .from(usage)
    .where(
      and(eq(usage.keyId, keyId), eq(usage.model, window.model), inArray(usage.start, [...new Set(starts)])),
    )
  const holding = buckets
    .filter(bucket => bucket.start + bucket.widthMs > window.start)
    .toSorted((a, b) => a.widthMs - b.widthMs)
  for (const bucket of holding) {
    const part = {
      tokens: Math.min(missing.tokens, bucket.otherTokens),
      requests: Math.min(missing.requests, bucket.requests),
      costMicros: Math.min(missing.costMicros, bucket.costMicros),
    }
    if (isNothing(part)) continue
    missing = subtract(missing, part)
    await db
      .update(usage)
      .set({
        otherTokens: bucket.otherTokens - part.tokens,
        requests: bucket.requests - part.requests,
        costMicros: bucket.costMicros - part.costMicros,
      })
      .where(and(eq(usage.keyId, keyId), eq(usage.start, bucket.start), eq(usage.model, window.model)))
  }
  return subtract(counts, missing)
}

/** A row of carried usage exists only while it says something. */
async function carry(db: Database, keyId: string, change: ForeignCounts): Promise<void> {
  if (isNothing(change)) return
  const [row] = await db.select().from(carriedUsage).where(eq(carriedUsage.keyId, keyId)).limit(1)
  const { tokens, requests, costMicros } = add(row ?? noCounts, change)
  if (isNothing({ tokens, requests, costMicros })) {
    await db.delete(carriedUsage).where(eq(carriedUsage.keyId, keyId))
    return
  }
  await db
    .insert(carriedUsage)
    .values({ keyId, tokens, requests, costMicros })
    .onConflictDoUpdate({ target: carriedUsage.keyId, set: { tokens, requests, costMicros } })
}
