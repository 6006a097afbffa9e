/** Limits and counts as they are shown. For tests only. */
import type { Limit, Totals } from '../contract/views.ts'

/** A limit with a rolling window, on all models. */
export const rolling = <M extends Limit['metric']>(metric: M, amount: number, windowMs: number) => ({
  metric,
  amount,
  period: 'rolling' as const,
  windowMs,
  timeZone: null,
  models: null,
  each: false,
})

/** The counts that are told, and 0 of all others. */
export const totals = (told: Partial<Totals>): Totals => ({
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  otherTokens: 0,
  tokens: 0,
  costUsd: 0,
  unpricedRequests: 0,
  ...told,
})
