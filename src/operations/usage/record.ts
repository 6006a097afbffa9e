/** Recording what a request used: the bucket of its minute and the running total of its key move together. */
import { eq, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Recorded } from '../../contract/views.ts'
import { keys, usage } from '../../db/schema.ts'
import type { Database } from '../../db/transaction.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../input.ts'
import { keyRef } from '../keys/view.ts'
import { toDollars, toMicros } from '../limits.ts'
import { findKey, type KeySelector } from '../select.ts'
import { type Counts, noCounts } from './sum.ts'

export interface UsageInput {
  readonly model?: string | undefined
  /** Default 1. */
  readonly requests?: number | undefined
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  /** Dollars, kept to the millionth. */
  readonly costUsd?: number | undefined
  /** When the request was made; default now. */
  readonly at?: Date | undefined
}

const usageInput = v.object({
  model: v.optional(rules.modelName),
  requests: v.optional(rules.count, 1),
  inputTokens: v.optional(rules.count, 0),
  outputTokens: v.optional(rules.count, 0),
  costUsd: v.optional(rules.dollars, 0),
  at: v.optional(rules.instant),
})

/** Clocks of other machines may be ahead by this much. */
const toleranceMs = 5 * 60_000

/**
 * Charges a key, whatever its status: what was used is used.
 *
 * @throws not_found, ambiguous, invalid
 */
export async function recordUsage(
  context: OperationContext,
  selector: KeySelector,
  input: UsageInput,
): Promise<Recorded> {
  const { model, at = context.now(), costUsd, ...counted } = rules.parse(usageInput, input)
  if (at.getTime() > context.now().getTime() + toleranceMs) {
    throw new LatchkeyError(
      'invalid',
      `at ${at.toISOString()} lies in the future`,
      'check the clock, or leave --at out to record it as of now',
    )
  }
  const counts: Counts = { ...noCounts, ...counted, costMicros: toMicros(costUsd) }
  return context.store.count(async db => {
    const row = await findKey(db, selector)
    await addUsage(db, row.id, model ?? '', at, counts)
    return {
      key: keyRef(row),
      model: model ?? null,
      at,
      requests: counts.requests,
      inputTokens: counts.inputTokens,
      outputTokens: counts.outputTokens,
      costUsd: toDollars(counts.costMicros),
    }
  })
}

/** Adds to the bucket of the minute and to the key's running total; `last used` never moves backwards. */
async function addUsage(db: Database, keyId: string, model: string, at: Date, counts: Counts): Promise<void> {
  const start = Math.floor(at.getTime() / 60_000) * 60_000
  await db
    .insert(usage)
    .values({ keyId, start, model, ...counts })
    .onConflictDoUpdate({
      target: [usage.keyId, usage.start, usage.model],
      set: {
        requests: sql`${usage.requests} + ${counts.requests}`,
        inputTokens: sql`${usage.inputTokens} + ${counts.inputTokens}`,
        outputTokens: sql`${usage.outputTokens} + ${counts.outputTokens}`,
        otherTokens: sql`${usage.otherTokens} + ${counts.otherTokens}`,
        costMicros: sql`${usage.costMicros} + ${counts.costMicros}`,
      },
    })
  await db
    .update(keys)
    .set({
      requests: sql`${keys.requests} + ${counts.requests}`,
      inputTokens: sql`${keys.inputTokens} + ${counts.inputTokens}`,
      outputTokens: sql`${keys.outputTokens} + ${counts.outputTokens}`,
      otherTokens: sql`${keys.otherTokens} + ${counts.otherTokens}`,
      costMicros: sql`${keys.costMicros} + ${counts.costMicros}`,
      lastUsedAt: sql`CASE WHEN ${keys.lastUsedAt} > ${at.getTime()} THEN ${keys.lastUsedAt} ELSE ${at.getTime()} END`,
    })
    .where(eq(keys.id, keyId))
}
