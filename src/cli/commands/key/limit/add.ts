import { putLimit } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limit } from '../../../declare/parse.ts'
import { limitText } from '../../../draw/columns.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'write',
  summary: 'Add rolling limits to a key, or change their amounts',
  description:
    'All other limits stay; one with the same metric and window gets the new amount. A window is from 1m to 366d long.',
  examples: [
    'latchkey key limit add ci tokens=100k/5h',
    'latchkey key limit add ci tokens=5M/30d usd=20/30d requests=60/1m',
  ],
  args: {
    key: arg.one('Name, id or start of the secret; - reads the secret from stdin'),
    limits: arg.many('metric=amount/window, such as tokens=100k/5h', limit),
  },
  run: async (ctx, { key, limits }) =>
    (await ctx.operations()).limits.add({ key: await ctx.keySelector(key) }, limits),
  would: (_, brush, { limits }) => `set ${limits.map(limit => limitText(limit, brush)).join(', ')}`,
  prints: rows(putLimit, { columns: limitColumns, empty: 'No limits.' }),
  notice: limits =>
    limits.some(each => each.changed) ? undefined : 'Unchanged: the limits were so already.',
})
