import { nouns } from '../../../contract/nouns.ts'
import { stats } from '../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { count } from '../../declare/parse.ts'
import { moment } from '../../declare/times.ts'
import { statsLines } from '../usage/drawing.ts'

export default command({
  effect: 'read',
  summary: "Show a key's totals, what is left of its limits, and use by day",
  examples: [
    'latchkey key stats ci',
    'latchkey key stats ci --at 2026-11-20T12:00:00Z --json',
    'latchkey key stats ci --days 60 --tz Europe/Berlin',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  options: {
    at: opt.as('date', moment, 'Answer for this time (default: now)'),
    days: opt.as('n', count, 'Days to show (default: 14)'),
  },
  run: async (ctx, { key, at, days }) =>
    (await ctx.operations()).keys.stats(await ctx.keySelector(key), {
      at,
      days,
      timeZone: ctx.config.timeZone,
    }),
  prints: one(stats, { done: statsLines }),
})
