/** Inserts many keys with few statements, because nobody else can write meanwhile. */

import type { Key } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { eq, oneOf } from '../../db/query.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { carriedUsage, departed } from '../../db/schema/usage.ts'
import { recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { keyViews } from './view.ts'

/** Everything to store for a new key. */
export interface Draft {
  readonly key: typeof keys.$inferInsert
  readonly secrets: readonly (typeof secrets.$inferInsert)[]
  readonly limits: readonly (typeof limits.$inferInsert)[]
  /** What it had used in another system. */
  readonly carried?: typeof carriedUsage.$inferInsert | undefined
}

/** Inserts keys with an audit row each, and returns them in the same order. Names and hashes must be free. */
export async function insertKeys(
  context: OperationContext,
  db: Database,
  action: 'key.create' | 'key.import',
  drafts: readonly Draft[],
): Promise<readonly Key[]> {
  for (const some of inChunks(drafts.map(draft => draft.key))) await db.insert(keys).values(some)
  for (const some of inChunks(drafts.flatMap(draft => draft.secrets))) await db.insert(secrets).values(some)
  for (const some of inChunks(drafts.flatMap(draft => draft.limits))) await db.insert(limits).values(some)
  const carried = drafts.flatMap(draft => draft.carried ?? [])
  for (const some of inChunks(carried)) await db.insert(carriedUsage).values(some)
  const ids = drafts.map(draft => draft.key.id)
  // A key that was deleted is back.
  if (action === 'key.import') await db.delete(departed).where(oneOf(departed.id, ids))
  const views = await keyViews(db, context.now(), { where: oneOf(keys.id, ids) })
  const byId = new Map(views.map(view => [view.id, view]))
  const inserted = ids.map(id => {
    const view = byId.get(id)
    if (!view) throw new Error('a key was inserted, but is not there')
    return view
  })
  await recordAll(
    context,
    db,
    inserted.map(after => ({ action, target: { type: 'key', id: after.id, name: after.name }, after })),
  )
  return inserted
}

/** The keys that have these secrets, also ended ones, by their hashes. */
export async function keysOfSecrets(
  db: Database,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, { readonly id: string; readonly name: string }>> {
  const rows = await db
    .select({ hash: secrets.hash, id: keys.id, name: keys.name })
    .from(secrets)
    .innerJoin(keys, eq(secrets.keyId, keys.id))
    .where(oneOf(secrets.hash, hashes))
  return new Map(rows.map(row => [row.hash, row]))
}
