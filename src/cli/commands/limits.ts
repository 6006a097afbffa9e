/** The same limit commands for every noun that can have limits. */
import type { LimitedNoun } from '../../contract/nouns.ts'
import { limitState, putLimit } from '../../contract/views/limits.ts'
import { metrics } from '../../contract/views/words.ts'
import type { Latchkey } from '../../index.ts'
import { many } from '../../text/quantity.ts'
import type { Context, Option } from '../declare/declaration.ts'
import { arg, command, opt, rows } from '../declare/define.ts'
import { limit, limitName } from '../declare/parse.ts'
import { limitNameText, limitText } from '../draw/columns.ts'
import { limitColumns } from '../draw/limits.ts'
import { selecting } from './thing.ts'

/** Who is limited in the examples. */
const examples: Readonly<Record<LimitedNoun, string>> = {
  key: 'ci',
  user: 'alice',
  project: 'shop',
  org: 'acme',
  team: 'Backend',
}

/** What they count, for the help. */
const counted: Readonly<Record<LimitedNoun, string>> = {
  key: '',
  user: ' They count all keys of the user together.',
  project: ' They count all keys of the project together; with --member, those of one user in it.',
  org: ' They count all keys of its projects together; with --member, those of one user in them.',
  team: ' They count what its members use in projects of the organization, together.',
}

const membersToo = {
  description:
    'First those of all together, then those of single members, by username. With --member, only those of one.',
}

/** What lists have besides. */
const listed: Readonly<Partial<Record<LimitedNoun, { readonly description: string }>>> = {
  project: membersToo,
  org: membersToo,
  user: {
    description:
      'First those on all keys of the user, then those that bind the user alone in a project or an organization.',
  },
}

type Within = Readonly<Record<'member' | 'org', Option<string | undefined>>>

/** What some need to say whose limits are meant. To the others, the options are not there. */
function withinOf(noun: LimitedNoun): Within {
  const within: Partial<Within> =
    noun === 'project' || noun === 'org'
      ? { member: opt.text('user', 'What binds this one user there, instead of all') }
      : noun === 'team'
        ? { org: opt.text('org', 'Only a team of this organization') }
        : {}
  return within as Within
}

/** The commands `limit set`, `limit list`, `limit remove` and `reset` of a noun. */
export function limitCommands(noun: LimitedNoun) {
  const example = examples[noun]
  const one = noun === 'org' ? 'an organization' : `a ${noun}`
  const limited = selecting(noun)
  const each = opt.flag('For each end user, instead of for all of them together')
  // Refused for users, with what to do instead.
  const within = withinOf(noun)
  const options = { ...within, each: noun === 'user' ? opt.hidden(each) : each }
  const memberExample = (verb: string, limit = '') =>
    'member' in within ? [`latchkey ${noun} limit ${verb} ${example}${limit} --member bob`] : []
  return {
    set: command({
      effect: 'write',
      summary: `Set limits of ${one}`,
      description: `A limit with the same metric, window and models gets the new amount; all other limits stay. A window is from 1m to 366d long and ends now; day, week or month, which begin with the calendar in your time zone (--tz); or total, which never frees. parallel=4 is about reservations that are open at the same time and has no window.${counted[noun]}${
        noun === 'key' ? '' : ' A key has to stay within all limits that bind it.'
      }`,
      examples: [
        `latchkey ${noun} limit set ${example} tokens=100k/5h`,
        `latchkey ${noun} limit set ${example} usd=100/month tokens=1M/1d@gpt-* parallel=4`,
        ...(noun === 'user' ? [] : [`latchkey ${noun} limit set ${example} tokens=50k/1d --each`]),
        ...memberExample('set', ' usd=20/month'),
      ],
      args: { ...limited, limits: arg.many('metric=amount/window, such as tokens=100k/5h', limit) },
      options,
      run: async (ctx, { limits, each, ...typed }) =>
        (await ctx.operations()).limits.set(await named(ctx, noun, typed), withEach(limits, each)),
      would: (_, brush, { limits, each }) =>
        `set ${withEach(limits, each)
          .map(limit => limitText(limit, brush))
          .join(', ')}`,
      prints: rows(putLimit, { columns: limitColumns, empty: 'No limits.' }),
      notice: limits =>
        limits.some(each => each.changed) ? undefined : 'Unchanged: the limits are already set.',
    }),
    list: command({
      effect: 'read',
      summary: noun === 'key' ? 'List the limits that apply to a key' : `List the limits of ${one}`,
      ...listed[noun],
      examples: [
        `latchkey ${noun} limit list ${example}`,
        `latchkey ${noun} limit list ${example} --json`,
        ...memberExample('list'),
      ],
      args: limited,
      options: within,
      run: async (ctx, typed) => {
        const { limits } = await ctx.operations()
        const limited = await named(ctx, noun, typed)
        const own = await limits.list(limited)
        const isOne = 'member' in limited && limited.member !== undefined
        return 'key' in limited || 'team' in limited || isOne
          ? own
          : [...own, ...(await limits.listOfMembers(limited))]
      },
      prints: rows(limitState, {
        columns: limitColumns,
        empty: `No limits. Add one with: latchkey ${noun} limit set ${noun.toUpperCase()} tokens=100k/5h`,
      }),
    }),
    remove: command({
      effect: 'write',
      summary: `Remove limits from ${one}`,
      description: 'Prints the limits that are left. History and totals stay.',
      examples: [
        `latchkey ${noun} limit remove ${example} tokens/5h`,
        `latchkey ${noun} limit remove ${example} usd --dry-run`,
        ...(noun === 'user' ? [] : [`latchkey ${noun} limit remove ${example} tokens/1d --each`]),
        ...memberExample('remove', ' usd'),
      ],
      args: { ...limited, limits: arg.many('metric/window, or a metric for all its windows', limitName) },
      options,
      run: async (ctx, { limits, each, ...typed }) =>
        (await ctx.operations()).limits.remove(await named(ctx, noun, typed), withEach(limits, each)),
      would: (_, brush, { limits, each }) =>
        `remove limits on ${withEach(limits, each)
          .map(name => limitNameText(name, brush))
          .join(', ')}`,
      prints: rows(limitState, { columns: limitColumns, empty: 'No limits are left.' }),
    }),
    reset: command({
      effect: 'write',
      summary: `Reset the usage windows of ${one}`,
      description:
        'What was used before no longer counts against the limits. History, totals and reports stay, and reservations still count.',
      examples: [`latchkey ${noun} reset ${example}`, `latchkey ${noun} reset ${example} --metric tokens`],
      args: limited,
      options: { ...within, metric: opt.choice(metrics, 'Only limits on this metric') },
      run: async (ctx, { metric, ...typed }) =>
        (await ctx.operations()).limits.reset(await named(ctx, noun, typed), { metric }),
      would: limits => `reset ${many(limits.length, 'limit')}`,
      prints: rows(limitState, { columns: limitColumns, empty: 'No limits.' }),
    }),
  }
}

/** Those for each end user, if they are meant. */
const withEach = <L extends { readonly each?: boolean | undefined }>(
  list: readonly L[],
  each: boolean,
): readonly L[] => (each ? list.map(named => ({ ...named, each })) : list)

type Limited = Parameters<Latchkey['limits']['list']>[0]

/** The thing whose limits are meant. A key may be named by its secret on stdin. */
async function named(ctx: Context, noun: LimitedNoun, typed: Typed): Promise<Limited> {
  const { [noun]: selector = '', member, org } = typed
  switch (noun) {
    case 'key':
      return { key: await ctx.keySelector(selector) }
    case 'user':
      return { user: selector }
    case 'project':
      return { project: selector, member }
    case 'org':
      return { org: selector, member }
    case 'team':
      return { team: org === undefined ? selector : { team: selector, org } }
  }
}

type Typed = { readonly [N in LimitedNoun | 'member']?: string | undefined }
