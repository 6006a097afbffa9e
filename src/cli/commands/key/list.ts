import type { ObjectShape } from '../../../contract/shape.ts'
import { key } from '../../../contract/views/keys.ts'
import type { Values } from '../../declare/declaration.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { keySort } from '../../declare/parse.ts'
import { paging } from '../thing.ts'
import { keyFilter, keyFilters } from './filters.ts'
import { type Listed, listedColumns } from './listed.ts'

const listed: ObjectShape<Listed> = key

const options = {
  ...keyFilters,
  sort: opt.as(
    '[-]field',
    keySort,
    'Sort by name, created, expires or last-used, or by tokens or cost, largest first; -field descends, +field ascends',
  ),
  ...paging('key'),
}

export default command({
  effect: 'read',
  summary: 'List keys, oldest first',
  description:
    'Lists the keys that match every filter. To page, give the last key of a page as --after KEY; keys created or deleted meanwhile do not shift the pages. Keys that were never used, or never expire, come last in either order. The table shows the value that keys are sorted by, and with --over how full the fullest limit is. -o wide adds the tokens of the last 14 days.',
  examples: [
    'latchkey key list',
    'latchkey key list --status active --expires-within 14d -q',
    'latchkey key list --user alice --project shop --json',
    'latchkey key list --org acme --over 80%',
    'latchkey key list --unused-for 90d --sort last-used -o wide',
    'latchkey key list --over 80% --scope chat:write --model gpt-4o',
    'latchkey key list --sort cost --limit 20 --after ci -o csv --fields id,name,status,lastUsedAt',
  ],
  options,
  run: async (ctx, { sort, limit, after, ...filter }) => {
    const { keys } = await ctx.operations()
    const page = { ...keyFilter(filter), ...sort, limit, after }
    const isWide = ctx.config.output === 'wide'
    const isMeasured =
      (isWide || ctx.config.output === 'table') &&
      (filter.over !== undefined || ['tokens', 'cost'].some(amount => amount === sort?.sort))
    if (!isWide && !isMeasured) return keys.stream(page)
    const found = await keys.list(page)
    const ids = found.map(key => key.id)
    const activity = isWide ? await keys.activity(ids, { timeZone: ctx.config.timeZone }) : undefined
    const standing = isMeasured ? await keys.standing(ids) : undefined
    return found.map(
      (key): Listed => ({ ...key, activity: activity?.get(key.id), standing: standing?.get(key.id) }),
    )
  },
  prints: rows(listed, {
    columns: ({ sort, over }: Values<typeof options>) => listedColumns(sort?.sort, over !== undefined),
    empty: 'No keys. Create one with: latchkey key create ci',
    noMatch: 'No keys match. List all with: latchkey key list',
  }),
})
