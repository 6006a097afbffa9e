/** The same limit commands for keys, users and projects. */
import type { LimitedNoun } from '../../contract/nouns.ts'
import { limitState, putLimit } from '../../contract/views/limits.ts'
import { metrics } from '../../contract/views/words.ts'
import type { Latchkey } from '../../index.ts'
import type { Context } from '../declare/declaration.ts'
import { arg, command, opt, rows } from '../declare/define.ts'
import { limit, limitName } from '../declare/parse.ts'
import { limitNameText, limitText } from '../draw/columns.ts'
import { limitColumns } from '../draw/limits.ts'
import { many } from '../draw/quantity.ts'
import { selecting } from './thing.ts'

/** Who is limited in the examples. */
const examples: Readonly<Record<LimitedNoun, string>> = { key: 'ci', user: 'alice', project: 'shop' }

/** The commands `limit add`, `limit list`, `limit remove` and `reset` of a noun. */
export function limitCommands(noun: LimitedNoun) {
  const example = examples[noun]
  const limited = selecting(noun)
  return {
    add: command({
      effect: 'write',
      summary: `Add rolling limits to a ${noun}, or change their amounts`,
      description:
        noun === 'key'
          ? 'A limit with the same metric and window gets the new amount; all other limits stay. A window is from 1m to 366d long.'
          : `They count all keys of the ${noun} together. A key has to stay within its own limits, its user's and its project's.`,
      examples: [
        `latchkey ${noun} limit add ${example} tokens=100k/5h`,
        `latchkey ${noun} limit add ${example} tokens=5M/30d usd=20/30d requests=60/1m`,
      ],
      args: { ...limited, limits: arg.many('metric=amount/window, such as tokens=100k/5h', limit) },
      run: async (ctx, { limits, ...typed }) =>
        (await ctx.operations()).limits.add(await named(ctx, noun, typed[noun]), limits),
      would: (_, brush, { limits }) => `set ${limits.map(each => limitText(each, brush)).join(', ')}`,
      prints: rows(putLimit, { columns: limitColumns, empty: 'No limits.' }),
      notice: limits =>
        limits.some(each => each.changed) ? undefined : 'Unchanged: the limits are already set.',
    }),
    list: command({
      effect: 'read',
      summary: noun === 'key' ? 'List the limits that apply to a key' : `List the limits of a ${noun}`,
      examples: [`latchkey ${noun} limit list ${example}`, `latchkey ${noun} limit list ${example} --json`],
      args: limited,
      run: async (ctx, typed) => (await ctx.operations()).limits.list(await named(ctx, noun, typed[noun])),
      prints: rows(limitState, {
        columns: limitColumns,
        empty: `No limits. Add one with: latchkey ${noun} limit add ${noun.toUpperCase()} tokens=100k/5h`,
      }),
    }),
    remove: command({
      effect: 'write',
      summary: `Remove limits from a ${noun}`,
      description: 'Prints the limits that are left. History and totals stay.',
      examples: [
        `latchkey ${noun} limit remove ${example} tokens/5h`,
        `latchkey ${noun} limit remove ${example} usd --dry-run`,
      ],
      args: { ...limited, limits: arg.many('metric/window, or a metric for all its windows', limitName) },
      run: async (ctx, { limits, ...typed }) =>
        (await ctx.operations()).limits.remove(await named(ctx, noun, typed[noun]), limits),
      would: (_, brush, { limits }) =>
        `remove limits on ${limits.map(name => limitNameText(name, brush)).join(', ')}`,
      prints: rows(limitState, { columns: limitColumns, empty: 'No limits are left.' }),
    }),
    reset: command({
      effect: 'write',
      summary: `Reset the usage windows of a ${noun}`,
      description:
        'What was used before no longer counts against the limits. History, totals and reports stay, and reservations still count.',
      examples: [`latchkey ${noun} reset ${example}`, `latchkey ${noun} reset ${example} --metric tokens`],
      args: limited,
      options: { metric: opt.choice(metrics, 'Only limits on this metric') },
      run: async (ctx, { metric, ...typed }) =>
        (await ctx.operations()).limits.reset(await named(ctx, noun, typed[noun]), { metric }),
      would: limits => `reset ${many(limits.length, 'limit')}`,
      prints: rows(limitState, { columns: limitColumns, empty: 'No limits.' }),
    }),
  }
}

type Limited = Parameters<Latchkey['limits']['list']>[0]

/** The thing whose limits are meant. A key may be named by its secret on stdin. */
async function named(ctx: Context, noun: LimitedNoun, typed: string): Promise<Limited> {
  if (noun === 'key') return { key: await ctx.keySelector(typed) }
  return noun === 'user' ? { user: typed } : { project: typed }
}
