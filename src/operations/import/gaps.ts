/** Whether the usage of keys adds up: running total = carried + all buckets. */

import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { eq, inArray, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { carriedUsage, usage } from '../../db/schema/usage.ts'

/** By key: running total less carried less buckets, of tokens, requests and cost. None but zeros is sound. */
export async function usageGaps(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const chunk of inChunks(ids)) {
    const bucketSums = db
      .select({
        keyId: usage.keyId,
        tokens: totalOf(sql`${usage.inputTokens} + ${usage.outputTokens} + ${usage.otherTokens}`).as(
          'tokens_sum',
        ),
        requests: totalOf(usage.requests).as('requests_sum'),
        costMicros: totalOf(usage.costMicros).as('cost_sum'),
      })
      .from(usage)
      .where(inArray(usage.keyId, chunk))
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
      .where(inArray(keys.id, chunk))
    for (const row of rows) found.set(row.id, `${row.tokens} ${row.requests} ${row.cost}`)
  }
  return found
}
