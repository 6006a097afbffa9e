import { compacted } from '../../../contract/views/usage.ts'
import { many } from '../../../text/quantity.ts'
import { command, one, opt } from '../../declare/define.ts'
import { duration } from '../../declare/times.ts'
import { compactedLines, compactedParts } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Delete old usage by the minute and hour, which longer buckets have too',
  description:
    'Totals stay the same. In windows longer than --minutes-for, the oldest usage then counts by the hour: never too little. Works in small steps, so it can run every night while gateways record. Ids of counted events and counted files are deleted after 400 days.',
  examples: ['latchkey usage compact', 'latchkey usage compact --minutes-for 31d --dry-run'],
  options: {
    minutesFor: opt.as('duration', duration, 'How long to keep usage by the minute (default: 7d)'),
    hoursFor: opt.as('duration', duration, 'How long to keep usage by the hour (default: 400d)'),
  },
  run: async (ctx, { minutesFor, hoursFor }) =>
    (await ctx.operations()).usage.compact({ minutesForMs: minutesFor, hoursForMs: hoursFor }),
  prints: one(compacted, { done: compactedLines }),
  would: (report, brush) =>
    `leave ${brush.count(report.rowsAfter)} of ${many(report.rowsBefore, 'bucket')}${compactedParts(report, brush)}`,
})
