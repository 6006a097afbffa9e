/**
 * Checks that the running totals of keys equal the sum of their buckets and carried usage. They change in one transaction,
 * so a difference means that another program wrote to the file, or a bug.
 */

import type { UsageCheck } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { asc, eq, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { carriedUsage, usage } from '../../db/schema/usage.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { toDollars } from '../rules/money.ts'
import type { CheckOptions } from './input.ts'
import { type Counts, countsIn, namedSums, tokensIn } from './sum.ts'

interface Difference {
  readonly key: { readonly id: string; readonly name: string }
  readonly total: Counts
  readonly recorded: Counts
}

/** Compares the totals of every key with its recorded usage; `repair` corrects and audits differences. */
export function checkUsage(context: OperationContext, options: CheckOptions = {}): Promise<UsageCheck> {
  if (options.repair !== true) {
    return context.store.read(async db => report(await db.$count(keys), await differences(db), false))
  }
  return context.store.write(async db => {
    const found = await differences(db)
    for (const { key, total, recorded } of found) {
      await db.update(keys).set(recorded).where(eq(keys.id, key.id))
      await audit.record(context, db, {
        action: 'usage.repair',
        target: { type: 'key', id: key.id, name: key.name },
        before: shown(total),
        after: shown(recorded),
      })
    }
    return report(await db.$count(keys), found, true)
  })
}

/** Keys whose totals differ from the recorded usage, oldest first. */
export async function differences(db: Database): Promise<readonly Difference[]> {
  const sums = db
    .select({
      keyId: usage.keyId,
      ...namedSums(),
    })
    .from(usage)
    .groupBy(usage.keyId)
    .as('sums')
  const recorded = {
    requests: sql<number>`coalesce(${sums.requests}, 0) + coalesce(${carriedUsage.requests}, 0)`,
    inputTokens: sql<number>`coalesce(${sums.inputTokens}, 0)`,
    outputTokens: sql<number>`coalesce(${sums.outputTokens}, 0)`,
    otherTokens: sql<number>`coalesce(${sums.otherTokens}, 0) + coalesce(${carriedUsage.tokens}, 0)`,
    costMicros: sql<number>`coalesce(${sums.costMicros}, 0) + coalesce(${carriedUsage.costMicros}, 0)`,
  }
  const total = countsIn(keys)
  return db
    .select({ key: { id: keys.id, name: keys.name }, total, recorded })
    .from(keys)
    .leftJoin(sums, eq(sums.keyId, keys.id))
    .leftJoin(carriedUsage, eq(carriedUsage.keyId, keys.id))
    .where(
      // Carried usage may be part of the split totals, but is stored without a split.
      sql`(${keys.requests}, ${tokensIn(total)}, ${keys.costMicros}) <>
          (${recorded.requests}, ${tokensIn(recorded)}, ${recorded.costMicros})
        OR CASE WHEN ${carriedUsage.keyId} IS NULL
          THEN (${keys.inputTokens}, ${keys.outputTokens}) <> (${recorded.inputTokens}, ${recorded.outputTokens})
          ELSE ${keys.inputTokens} < ${recorded.inputTokens} OR ${keys.outputTokens} < ${recorded.outputTokens} END`,
    )
    .orderBy(asc(keys.id))
}

function report(count: number, found: readonly Difference[], repaired: boolean): UsageCheck {
  return {
    ok: repaired || found.length === 0,
    keys: count,
    repaired: repaired && found.length > 0,
    differences: found.map(({ key, total, recorded }) => ({
      key,
      total: shown(total),
      recorded: shown(recorded),
    })),
  }
}

function shown({ costMicros, ...counts }: Counts): UsageCheck['differences'][number]['total'] {
  return { ...counts, costUsd: toDollars(costMicros) }
}
