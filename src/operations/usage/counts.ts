/** From what a caller says that a request used to what is counted. */
import type { toldNames, UsageCounts } from '../../db/facts.ts'
import { toCostMicros } from '../rules/money.ts'

type Told = Pick<UsageCounts, (typeof toldNames)[number]>

/** A cost of null is left to the price of the model. */
export const countsOf = (told: Told, costUsd: number | null | undefined): UsageCounts => ({
  requests: told.requests,
  inputTokens: told.inputTokens,
  cachedInputTokens: told.cachedInputTokens,
  cacheWriteTokens: told.cacheWriteTokens,
  outputTokens: told.outputTokens,
  reasoningTokens: told.reasoningTokens,
  otherTokens: told.otherTokens,
  costMicros: (costUsd ?? null) === null ? 0 : toCostMicros(costUsd ?? 0),
  unpricedRequests: 0,
})

/** What is wrong with counts whose part is greater than the whole; undefined if nothing is. */
export function partProblem(counts: Told): string | undefined {
  if (counts.cachedInputTokens + counts.cacheWriteTokens > counts.inputTokens) {
    return 'cachedInputTokens and cacheWriteTokens are parts of inputTokens, so they must not be more'
  }
  return counts.reasoningTokens > counts.outputTokens
    ? 'reasoningTokens are a part of outputTokens, so they must not be more'
    : undefined
}
