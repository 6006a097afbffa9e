import { limitState } from '../../../contract/views/limits.ts'
import { metrics } from '../../../contract/views/words.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { limitColumns } from '../../draw/limits.ts'
import { many } from '../../draw/quantity.ts'

export default command({
  effect: 'write',
  summary: "Begin the windows of a user's limits anew",
  description:
    'What was used before no longer counts against the limits. History, totals and reports stay; requests under way still count.',
  examples: ['latchkey user reset alice', 'latchkey user reset alice --metric tokens'],
  args: { user: arg.one('Username, email address or id') },
  options: { metric: opt.choice(metrics, 'Only limits on this metric') },
  run: async (ctx, { user, metric }) => (await ctx.operations()).limits.reset({ user }, { metric }),
  would: limits => `reset ${many(limits.length, 'limit')}`,
  prints: rows(limitState, { columns: limitColumns, empty: 'No limits.' }),
})
