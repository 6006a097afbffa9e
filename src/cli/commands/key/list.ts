import type { ObjectShape } from '../../../contract/shape.ts'
import { key } from '../../../contract/views/keys.ts'
import type { Values } from '../../declare/declaration.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { count, keySort } from '../../declare/parse.ts'
import { keyFilter, keyFilters } from './filters.ts'
import { type Listed, listedColumns } from './listed.ts'

const listed: ObjectShape<Listed> = key

const options = {
  ...keyFilters,
  sort: opt.as(
    '[-]field',
    keySort,
    'Order: name, created, expires or last-used, or largest first tokens or cost; -field descends, +field ascends',
  ),
  limit: opt.as('n', count, 'At most so many'),
  after: opt.text('key', 'Only what comes after this key'),
}

export default command({
  effect: 'read',
  summary: 'List keys, oldest first',
  description:
    'Every filter that is given must hold. With --after KEY a page begins behind that key, whatever was made or erased since; keys that were never used, or never expire, come last in both orders. The table shows what keys are sorted by, and with --over how full the fullest limit is. -o wide adds the tokens of the last 14 days.',
  examples: [
    'latchkey key list',
    'latchkey key list --status active --expires-within 14d -q',
    'latchkey key list --user alice --project shop --json',
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
    noMatch: 'No key fits. See all of them with: latchkey key list',
  }),
})
