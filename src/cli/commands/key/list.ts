import type { ObjectShape } from '../../../contract/shape.ts'
import { key } from '../../../contract/views/keys.ts'
import type { Key } from '../../../contract/views.ts'
import type { Column } from '../../declare/column.ts'
import { command, opt } from '../../declare/define.ts'
import { count, keySort } from '../../declare/parse.ts'
import { sparkline } from '../../draw/chart.ts'
import { keyColumns, keyFilter, keyFilters } from './filters.ts'

/** For -o wide: tokens by day, which no other format shows. */
type Listed = Key & { readonly activity?: readonly number[] | undefined }

const listed: ObjectShape<Listed> = key

const columns: readonly Column<Listed>[] = [
  ...keyColumns,
  {
    title: '14 days',
    cell: ({ activity }, brush) =>
      activity === undefined || !brush.pictures ? '' : sparkline(activity, brush.unicode),
    wide: true,
    hideEmpty: true,
  },
]

export default command({
  name: 'list',
  effect: 'read',
  summary: 'List keys, oldest first',
  description:
    'Every filter that is given must hold. With --after KEY a page begins behind that key, whatever was made or erased since; keys that were never used, or never expire, come last in both orders. -o wide adds the tokens of the last 14 days.',
  examples: [
    'latchkey key list',
    'latchkey key list --status active --expires-within 14d -q',
    'latchkey key list --user alice --project shop --json',
    'latchkey key list --unused-for 90d --sort last-used -o wide',
    'latchkey key list --over 80% --scope chat:write --model gpt-4o',
    'latchkey key list --sort -cost --limit 20 --after ci -o csv --fields id,name,status,lastUsedAt',
  ],
  options: {
    ...keyFilters,
    sort: opt.as(
      '[-]field',
      keySort,
      'Order: name, created, expires, last-used, tokens or cost; with - before it, the opposite',
    ),
    limit: opt.as('n', count, 'At most so many'),
    after: opt.text('key', 'Only what comes after this key'),
  },
  run: async (ctx, { sort, limit, after, ...filter }) => {
    const { keys } = await ctx.operations()
    const page = { ...keyFilter(filter), ...sort, limit, after }
    if (ctx.config.output !== 'wide') return keys.stream(page)
    const found = await keys.list(page)
    const activity = await keys.activity(
      found.map(key => key.id),
      { timeZone: ctx.timeZone },
    )
    return found.map((key): Listed => ({ ...key, activity: activity.get(key.id) }))
  },
  rows: listed,
  columns,
  empty: 'No keys. Create one with: latchkey key create ci',
  noMatch: 'No key fits. See all of them with: latchkey key list',
})
