import { putLimit } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limit } from '../../../declare/parse.ts'
import { limitText } from '../../../draw/columns.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'write',
  summary: 'Add rolling limits to a project, or change their amounts',
  description:
    "They count all keys of the project together: a key is denied by its own limits, its user's and its project's.",
  examples: [
    'latchkey project limit add shop tokens=100k/5h',
    'latchkey project limit add shop tokens=5M/30d usd=20/30d requests=60/1m',
  ],
  args: {
    project: arg.one('Slug, name or id'),
    limits: arg.many('metric=amount/window, such as tokens=100k/5h', limit),
  },
  run: async (ctx, { project, limits }) => (await ctx.operations()).limits.add({ project }, limits),
  would: (_, brush, { limits }) => `set ${limits.map(limit => limitText(limit, brush)).join(', ')}`,
  prints: rows(putLimit, { columns: limitColumns, empty: 'No limits.' }),
  notice: limits =>
    limits.some(each => each.changed) ? undefined : 'Unchanged: the limits were so already.',
})
