import type { Totals } from '../../contract/views.ts'

/** Adds rows up. Dollars are rounded to micro-dollars, because sums of fractions are not exact. */
export function sumOf(rows: readonly Totals[]): Totals {
  const sum = (field: keyof Totals): number => rows.reduce((total, row) => total + row[field], 0)
  return {
    requests: sum('requests'),
    inputTokens: sum('inputTokens'),
    cachedInputTokens: sum('cachedInputTokens'),
    cacheWriteTokens: sum('cacheWriteTokens'),
    outputTokens: sum('outputTokens'),
    reasoningTokens: sum('reasoningTokens'),
    otherTokens: sum('otherTokens'),
    tokens: sum('tokens'),
    unpricedRequests: sum('unpricedRequests'),
    costUsd: Math.round(sum('costUsd') * 1e6) / 1e6,
  }
}
