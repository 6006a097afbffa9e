import { limitState } from '../../../../contract/views/limits.ts'
import { arg, command, rows } from '../../../declare/define.ts'
import { limitName } from '../../../declare/parse.ts'
import { limitNameText } from '../../../draw/columns.ts'
import { limitColumns } from '../../../draw/limits.ts'

export default command({
  effect: 'write',
  summary: 'Take limits from a project',
  description: 'What is left is shown. History and totals stay.',
  examples: [
    'latchkey project limit remove shop tokens/5h',
    'latchkey project limit remove shop usd --dry-run',
  ],
  args: {
    project: arg.one('Slug, name or id'),
    limits: arg.many('metric/window, or a metric for all its windows', limitName),
  },
  run: async (ctx, { project, limits }) => (await ctx.operations()).limits.remove({ project }, limits),
  would: (_, brush, { limits }) =>
    `remove limits on ${limits.map(name => limitNameText(name, brush)).join(', ')}`,
  prints: rows(limitState, { columns: limitColumns, empty: 'No limits are left.' }),
})
