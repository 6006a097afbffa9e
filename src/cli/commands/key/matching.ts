/**
 * Commands that change one key, or every key that matches a filter with --all-matching: their options and questions.
 * The keys that are changed are those that were shown. The rules are in the operations.
 */

import { LatchkeyError } from '../../../contract/errors.ts'
import type { ChangedKey, Key } from '../../../contract/views.ts'
import type { BulkChange, KeyFilter, KeySelector, Latchkey } from '../../../index.ts'
import { series } from '../../../text/series.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { Brush } from '../../declare/brush.ts'
import { listing } from '../../declare/column.ts'
import type { Confirmation, Context, Options } from '../../declare/declaration.ts'
import { arg, opt } from '../../declare/define.ts'
import { integerAtLeast } from '../../declare/parse.ts'
import { keysText } from '../../draw/columns.ts'
import { keyColumns } from './filters.ts'

export const matchingOptions = {
  allMatching: opt.flag('Change every key that matches the filters, after showing them'),
  expectCount: opt.as('n', integerAtLeast(0), 'Refuse unless exactly this many keys match'),
}

/** @param filters the options that choose keys without naming one */
export const oneKey = (filters: Options) =>
  arg.unless(
    [...Object.keys(matchingOptions), ...Object.keys(filters)],
    'Name, id or start of the secret; - reads the secret from stdin; none with --all-matching',
    nameOne,
  )

const nameOne = 'name a key, or add --all-matching to change every key that matches the filters'

/** What says which keys are meant, besides the filters. */
export interface Choosing {
  readonly key: string | undefined
  readonly allMatching: boolean
  readonly expectCount: number | undefined
}

interface Typed extends Choosing {
  /** The keys that a person confirmed; see `confirmMany`. */
  readonly confirmedIds?: readonly string[]
}

/** What such a command does, with one key and with many. */
interface Changing<T> {
  readonly filter: (typed: T) => KeyFilter
  readonly one: (keys: Latchkey['keys'], key: KeySelector, typed: T) => Promise<ChangedKey>
  readonly many: (typed: T) => BulkChange
  /** The beginning of the question about many keys: `Revoke for good`. */
  readonly question: string
  /** The question about one key. By default there is none. */
  readonly askOne?: (key: Key) => Confirmation
}

/** The parts of the declaration that depend on it. */
export function changing<T>({ filter, one, many, question, askOne }: Changing<T>) {
  return {
    // Check the selection before asking.
    asks: (typed: T & Typed) => whichKey(typed, filter(typed)) === undefined || askOne !== undefined,
    confirm: async (ctx: Context, typed: T & Typed): Promise<Confirmation | undefined> => {
      const only = whichKey(typed, filter(typed))
      if (only === undefined) return confirmMany(ctx, typed, filter(typed), many(typed), question)
      const { keys } = await ctx.operations()
      const key = await keys.get(await ctx.keySelector(only))
      return askOne && { ...askOne(key), binds: { key: key.id } }
    },
    run: async (ctx: Context, typed: T & Typed): Promise<ChangedKey | readonly ChangedKey[]> => {
      const only = whichKey(typed, filter(typed))
      if (only === undefined) return changeMany(ctx, typed, filter(typed), many(typed))
      const selector = await ctx.keySelector(only)
      return one((await ctx.operations()).keys, selector, typed)
    },
    would: (result: Key | readonly Key[], _: Brush, typed: T): string =>
      `${many(typed).verb} ${keysText(result)}`,
  }
}

/** How many keys are printed. */
export const manyKeys = { columns: keyColumns, empty: 'No keys match. Nothing was changed.' }

/** The one key that was named; undefined with --all-matching. @throws usage (neither or both) */
function whichKey({ key, allMatching, expectCount }: Typed, filter: KeyFilter): string | undefined {
  const filtered = Object.values(filter).some(value => value !== undefined)
  if (key === undefined) {
    if (allMatching) return undefined
    throw new LatchkeyError('usage', 'filters need --all-matching', nameOne)
  }
  if (!allMatching && !filtered && expectCount === undefined) return key
  throw new LatchkeyError(
    'usage',
    `a key and ${allMatching ? '--all-matching' : 'filters'} exclude each other`,
    'give only the key, or filters with --all-matching',
  )
}

/** What keys get in `update`, while the other commands choose keys by it. Here, that is --where-user and so on. */
const namesakes = ['user', 'project', 'model', 'scope'] as const

type Changes = { readonly [N in (typeof namesakes)[number]]: string | readonly string[] | null | undefined }

/**
 * The filter of `update`.
 *
 * @throws usage (nothing chooses keys, but something was probably meant to)
 */
export function deliberately(typed: Choosing & Changes, filter: KeyFilter): KeyFilter {
  const { key, allMatching, expectCount } = typed
  const isChosen = Object.values(filter).some(value => value !== undefined)
  if (isChosen || key !== undefined || !allMatching || expectCount !== undefined) return filter
  const meant = namesakes.flatMap(name => {
    const [value] = [typed[name]].flat()
    return typeof value === 'string' ? [{ name, value }] : []
  })
  if (meant.length === 0) return filter
  const given = series(
    meant.map(({ name }) => `--${name}`),
    'and',
  )
  throw new LatchkeyError(
    'usage',
    `without a filter, every key would match; here ${given} ${meant.length === 1 ? 'is' : 'are'} what the keys get`,
    `to choose keys: ${meant.map(({ name, value }) => `--where-${name} ${shellWord(value)}`).join(' ')}`,
  )
}

/** Shows the keys and asks for their number. Does not ask if there are none. */
async function confirmMany(
  ctx: Context,
  { expectCount }: Typed,
  filter: KeyFilter,
  { verb }: BulkChange,
  question: string,
): Promise<Confirmation | undefined> {
  const { keys } = await ctx.operations()
  const rows = await keys.matching(filter, verb, { count: expectCount })
  const [first] = rows
  if (first === undefined) return undefined
  const recent = recentlyUsed(rows, ctx.now())
  const what = rows.length === 1 ? `this key, ${first.name}` : `these ${rows.length} keys`
  return {
    list: listing(keyColumns, rows),
    question: `${recent === undefined ? '' : `${recent}\n`}${question}: ${what}`,
    typed: String(rows.length),
    binds: { confirmedIds: rows.map(key => key.id) },
  }
}

/** Changes what was confirmed, or what matches now. */
async function changeMany(
  ctx: Context,
  { expectCount: count, confirmedIds }: Typed,
  filter: KeyFilter,
  change: BulkChange,
): Promise<readonly ChangedKey[]> {
  const { keys } = await ctx.operations()
  if (confirmedIds !== undefined) return keys.changeMatching(filter, change, { count, ids: confirmedIds })
  if (ctx.dryRun) return keys.changeMatching(filter, change, { count })
  const rows = await keys.matching(filter, change.verb, { count })
  const recent = recentlyUsed(rows, ctx.now())
  if (recent !== undefined) await ctx.notice(recent)
  return keys.changeMatching(filter, change, { count, ids: rows.map(key => key.id) })
}

const recentMs = 7 * 86_400_000

/** Whether somebody may notice when a key stops working. */
export const isInUse = ({ lastUsedAt }: Pick<Key, 'lastUsedAt'>, now: Date): boolean =>
  lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() <= recentMs

function recentlyUsed(rows: readonly Key[], now: Date): string | undefined {
  const recent = rows.filter(key => isInUse(key, now))
  if (recent.length === 0) return undefined
  const names = recent.slice(0, 5).map(key => key.name)
  const more = recent.length > names.length ? ` and ${recent.length - names.length} more` : ''
  return `Used within the last 7 days: ${recent.length} of ${rows.length} (${names.join(', ')}${more})`
}
