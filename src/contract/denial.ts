/** Which limits deny a request, from its verdict. Pure. */
import type { LimitState } from './views.ts'

/** Those that deny it, the last to free first: until then, the others do not matter. One that never frees is before all. */
export const denyingLimits = <L extends Pick<LimitState, 'exceeded' | 'retryAt'>>(
  limits: readonly L[],
): readonly L[] =>
  limits.filter(limit => limit.exceeded).toSorted((a, b) => freedAt(b.retryAt) - freedAt(a.retryAt))

const freedAt = (at: Date | null): number => at?.getTime() ?? Number.MAX_SAFE_INTEGER
