/** Shows checks and how to fix what they found. Also has the exit code. */
import { exitCodes } from '../../../contract/errors.ts'
import type { HealthReport } from '../../../contract/views.ts'
import type { Brush } from '../../declare/brush.ts'
import { printableLine } from '../../terminal/printable.ts'

/** One line for each check. Below it, the problem and how to fix it. */
export function healthLines({ path, status, checks }: HealthReport, brush: Brush): string {
  const paint = { ok: brush.good, warning: brush.warn, failed: brush.bad, skipped: brush.dim }
  const lines = checks.flatMap(check => [
    `  ${paint[check.status](check.status.padEnd(8))} ${check.name.replaceAll('_', ' ')}${check.problem === null ? '' : `: ${printableLine(check.problem)}`}`,
    ...(check.mend === null ? [] : [`           ${brush.dim(printableLine(check.mend))}`]),
  ])
  return [`${path}: ${paint[status](status)}`, ...lines].join('\n')
}

/** Rewrites the fixes for the database that was named, so that people and programs can run them. */
export const typable = (report: HealthReport, again: (text: string) => string): HealthReport => ({
  ...report,
  checks: report.checks.map(check => ({ ...check, mend: check.mend && again(check.mend) })),
})

/** Warnings do not fail. */
export const healthExit = ({ status, damaged }: HealthReport): number => {
  if (status !== 'failed') return 0
  return damaged ? exitCodes.corrupt : exitCodes.stale
}
