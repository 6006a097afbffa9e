import { limitState } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limitName } from '../../../declare/parse.ts'
import { limitNameText } from '../../../draw/columns.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'write',
  summary: 'Take limits from a key',
  description: 'What is left is shown. History and totals stay.',
  examples: ['latchkey key limit remove ci tokens/5h', 'latchkey key limit remove ci usd --dry-run'],
  args: {
    key: arg.one('Name, id or start of the secret; - reads the secret from stdin'),
    limits: arg.many('metric/window, or a metric for all its windows', limitName),
  },
  run: async (ctx, { key, limits }) =>
    (await ctx.operations()).limits.remove({ key: await ctx.keySelector(key) }, limits),
  would: (_, brush, { limits }) =>
    `remove limits on ${limits.map(name => limitNameText(name, brush)).join(', ')}`,
  prints: rows(limitState, { columns: limitColumns, empty: 'No limits are left.' }),
})
