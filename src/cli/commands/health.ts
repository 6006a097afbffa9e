import { exitCodes } from '../../contract/errors.ts'
import { healthReport } from '../../contract/views.ts'
import { command } from '../define.ts'

export default command({
  name: 'health',
  effect: 'read',
  summary: 'Check the database, its schema, its disk and its backups',
  description:
    'Exits with 0 when nothing failed, with 7 when the file or its schema is damaged, otherwise with 1. Warnings do not fail.',
  examples: ['latchkey health', 'latchkey health --json'],
  run: async ctx => (await ctx.operations()).health(),
  output: healthReport,
  done: (report, brush) =>
    [
      `${report.path}: ${report.status}`,
      ...report.checks.map(check => {
        const paint = { ok: brush.good, warning: brush.warn, failed: brush.bad, skipped: brush.dim }[
          check.status
        ]
        return `  ${paint(check.status.padEnd(8))} ${check.name.replaceAll('_', ' ')}${check.problem === null ? '' : `: ${check.problem}`}`
      }),
    ].join('\n'),
  exit: report => {
    if (report.status !== 'failed') return 0
    return report.damaged ? exitCodes.corrupt : exitCodes.stale
  },
})
