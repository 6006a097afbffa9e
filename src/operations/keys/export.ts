/** Exports keys without their secrets, for another Latchkey. The only module that outputs hashes. */

import type { ExportedKey } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { type ListedKey, noCounts } from '../../db/facts.ts'
import { asc, oneOf, sql } from '../../db/query.ts'
import { secrets } from '../../db/schema/keys.ts'
import type { OperationContext } from '../context.ts'
import { shownCounts, totalsOf } from '../usage/sum.ts'
import { conditionOf, parseFilter } from './filter.ts'
import type { KeyFilter } from './input.ts'
import { withLimits } from './view.ts'

/**
 * The matching keys, oldest first, from one snapshot and in constant memory.
 *
 * @throws invalid, not_found, ambiguous, once the first is read
 */
export async function* exportKeys(
  context: OperationContext,
  filter: KeyFilter = {},
): AsyncGenerator<ExportedKey> {
  for await (const batch of context.store.stream(async function* (snapshot) {
    const now = context.now()
    const db = await snapshot.database()
    const where = await conditionOf(db, now, parseFilter(filter))
    for await (const batch of snapshot.keys({ where })) yield await complete(db, now, batch)
  })) {
    yield* batch
  }
}

async function complete(
  db: Database,
  now: Date,
  rows: readonly ListedKey[],
): Promise<readonly ExportedKey[]> {
  const ids = rows.map(row => row.id)
  const countsOf = await totalsOf(db, ids)
  const secretsOf = Map.groupBy(
    await db
      .select()
      .from(secrets)
      .where(oneOf(secrets.keyId, ids))
      .orderBy(asc(secrets.createdAt), sql`${secrets.endsAt} IS NULL`, asc(secrets.endsAt)),
    row => row.keyId,
  )
  const views = await withLimits(db.facts, now, rows)
  return views.map(key => {
    const all = secretsOf.get(key.id) ?? []
    const current = all.find(secret => secret.endsAt === null)
    if (!current) throw new Error(`${key.id} has no current secret`)
    return {
      ...key,
      hash: current.hash,
      previousSecrets: all.flatMap(({ hash, start, createdAt, endsAt }) =>
        endsAt === null ? [] : [{ hash, start, createdAt: new Date(createdAt), endsAt: new Date(endsAt) }],
      ),
      totals: shownCounts(countsOf.get(key.id) ?? noCounts),
    }
  })
}
