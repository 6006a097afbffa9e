/** From what a caller says that a request used to what is counted. */
import type { toldNames, UsageCounts } from '../../db/facts.ts'
import { toCostMicros } from '../rules/money.ts'

/** What is left out is one request, or no tokens. */
type Told = { readonly [N in (typeof toldNames)[number]]?: number | null | undefined }

/** A cost of null is left to the price of the model. */
export const countsOf = (told: Told, costUsd: number | null | undefined): UsageCounts => ({
  requests: told.requests ?? 1,
  inputTokens: told.inputTokens ?? 0,
  cachedInputTokens: told.cachedInputTokens ?? 0,
  cacheWriteTokens: told.cacheWriteTokens ?? 0,
  outputTokens: told.outputTokens ?? 0,
  reasoningTokens: told.reasoningTokens ?? 0,
  otherTokens: told.otherTokens ?? 0,
  costMicros: (costUsd ?? null) === null ? 0 : toCostMicros(costUsd ?? 0),
  unpricedRequests: 0,
})

/** What is wrong with counts whose part is greater than the whole; undefined if nothing is. */
export function partProblem(counts: UsageCounts): string | undefined {
  if (counts.cachedInputTokens + counts.cacheWriteTokens > counts.inputTokens) {
    return 'cachedInputTokens and cacheWriteTokens are parts of inputTokens, so they must not be more'
  }
  return counts.reasoningTokens > counts.outputTokens
    ? 'reasoningTokens are a part of outputTokens, so they must not be more'
    : undefined
}
