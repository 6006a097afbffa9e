import { putLimit } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limit } from '../../../declare/parse.ts'
import { limitText } from '../../../draw/columns.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'write',
  summary: 'Add rolling limits to a user, or change their amounts',
  description:
    "They count all keys of the user together: a key is denied by its own limits, its user's and its project's.",
  examples: [
    'latchkey user limit add alice tokens=100k/5h',
    'latchkey user limit add alice tokens=5M/30d usd=20/30d requests=60/1m',
  ],
  args: {
    user: arg.one('Username, email address or id'),
    limits: arg.many('metric=amount/window, such as tokens=100k/5h', limit),
  },
  run: async (ctx, { user, limits }) => (await ctx.operations()).limits.add({ user }, limits),
  would: (_, brush, { limits }) => `set ${limits.map(limit => limitText(limit, brush)).join(', ')}`,
  prints: rows(putLimit, { columns: limitColumns, empty: 'No limits.' }),
  notice: limits =>
    limits.some(each => each.changed) ? undefined : 'Unchanged: the limits were so already.',
})
