import { limitState } from '../../../contract/views/limits.ts'
import { metrics } from '../../../contract/views/words.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { limitColumns } from '../../draw/limits.ts'
import { many } from '../../draw/quantity.ts'

export default command({
  effect: 'write',
  summary: "Begin the windows of a key's limits anew",
  description:
    'What was used before no longer counts against the limits. History, totals and reports stay; requests under way still count.',
  examples: ['latchkey key reset ci', 'latchkey key reset ci --metric tokens'],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  options: { metric: opt.choice(metrics, 'Only limits on this metric') },
  run: async (ctx, { key, metric }) =>
    (await ctx.operations()).limits.reset({ key: await ctx.keySelector(key) }, { metric }),
  would: limits => `reset ${many(limits.length, 'limit')}`,
  prints: rows(limitState, { columns: limitColumns, empty: 'No limits.' }),
})
