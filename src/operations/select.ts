/**
 * Finds the one thing that a selector means: by id, unique prefix of an id, label or another selecting column; a key also
 * by its secret or the start of it.
 */

import { LatchkeyError } from '../contract/errors.ts'
import { labelOf, type Noun, nouns } from '../contract/nouns.ts'
import type { Ref } from '../contract/views/refs.ts'
import type { Database } from '../db/engine.ts'
import {
  and,
  type Column,
  eq,
  gte,
  holdsText,
  isNull,
  lowerAscii,
  lt,
  lte,
  oneOf,
  or,
  type SQL,
  sql,
} from '../db/query.ts'
import { chats } from '../db/schema/chats.ts'
import { keys, secrets } from '../db/schema/keys.ts'
import { roles, teams } from '../db/schema/members.ts'
import { didYouMean, nearest } from '../text/nearest.ts'
import type { ChatSelector, KeySelector, RoleSelector, TeamSelector } from './input.ts'
import { column, type Row, stored, tableOf } from './nouns.ts'
import { type IdPrefix, isWholeId, looksLikeId } from './rules/ids.ts'
import { quotedSelector } from './rules/quotes.ts'
import { hashSecret, isMalformed } from './rules/secrets.ts'

/** What selects a thing. */
export type Selector<N extends Noun> = N extends 'key'
  ? KeySelector
  : N extends 'chat'
    ? ChatSelector
    : N extends 'team'
      ? TeamSelector
      : N extends 'role'
        ? RoleSelector
        : string

/** @throws not_found, ambiguous */
export async function find<N extends Noun>(db: Database, noun: N, selector: Selector<N>): Promise<Row<N>> {
  const meant: KeySelector | ChatSelector | TeamSelector | RoleSelector = selector
  if (typeof meant === 'string') return findAmong(db, noun, meant)
  if ('secret' in meant) return (await findKeyBySecret(db, meant.secret)) as Row<N>
  if ('chat' in meant) {
    const { id } = await find(db, 'user', meant.user)
    return findAmong(db, noun, meant.chat, eq(chats.userId, id))
  }
  const { id } = await find(db, 'org', meant.org)
  return 'team' in meant
    ? findAmong(db, noun, meant.team, eq(teams.organizationId, id))
    : findAmong(db, noun, meant.role, or(isNull(roles.organizationId), eq(roles.organizationId, id)))
}

/**
 * @param where those that can be meant; others do not exist for the caller
 * @throws not_found, ambiguous
 */
export async function findAmong<N extends Noun>(
  db: Database,
  noun: N,
  selector: string,
  where?: SQL,
): Promise<Row<N>> {
  return only(db, noun, selector, preferred(noun, selector, await fitting(db, noun, selector, where)), where)
}

/** All things that a selector matches, at most eleven. */
export async function fitting<N extends Noun>(
  db: Database,
  noun: N,
  selector: string,
  where?: SQL,
): Promise<readonly Row<N>[]> {
  const { label, prefix } = nouns[noun]
  const table = tableOf(noun)
  if (isWholeId(selector.toLowerCase(), prefix)) {
    // No label looks so. Looked for alone, it is found at once among any number of things of one user.
    const isMeant = and(eq(table.id, selector.toLowerCase()), where)
    return (await db.select().from(table).where(isMeant)) as object[] as readonly Row<N>[]
  }
  const named = [label, ...stored[noun].selectedBy].map(field => sameText(column(noun, field), selector))
  // A key imported as a hash has an empty start, which must not match.
  const byStart = noun === 'key' && selector !== '' ? hasStart(selector) : undefined
  const rows = await db
    .select()
    .from(table)
    .where(and(or(byId(column(noun, 'id'), selector, prefix), ...named, byStart), where))
    .limit(11)
  return rows as Row<N>[]
}

const hasStart = (start: string): SQL =>
  sql`${keys.id} IN (SELECT ${secrets.keyId} FROM ${secrets} WHERE ${and(eq(secrets.start, start), isNull(secrets.endsAt))})`

async function findKeyBySecret(db: Database, secret: string): Promise<Row<'key'>> {
  const rows = isMalformed(secret)
    ? []
    : await db
        .select({ key: keys })
        .from(secrets)
        .innerJoin(keys, eq(secrets.keyId, keys.id))
        .where(eq(secrets.hash, hashSecret(secret)))
        .limit(1)
  const [row] = rows
  if (row) return row.key
  throw new LatchkeyError(
    'not_found',
    'no key has that secret',
    'check that the whole secret was given, or look for the key with: latchkey key list',
  )
}

/** Matches by label win, so that nobody can make a label ambiguous with the name or secret of another thing. */
function preferred<N extends Noun>(noun: N, selector: string, rows: readonly Row<N>[]): readonly Row<N>[] {
  const label = selector.normalize('NFC').toLowerCase()
  const best = rows.filter(row => labelOf(noun, row).toLowerCase() === label)
  return best.length > 0 ? best : rows
}

/** Matches the id or a prefix of it; undefined if the selector does not look like an id. */
export function byId(column: Column, selector: string, prefix: IdPrefix): SQL | undefined {
  const text = selector.toLowerCase()
  // The tilde sorts after every character of an id.
  return looksLikeId(text, prefix) ? and(gte(column, text), lt(column, `${text}~`)) : undefined
}

/** The same text regardless of case, as in the unique indexes: only letters of ASCII have one there. */
export function sameText(column: Column, text: string): SQL {
  const [spelling, ...others] = spellings(column, text)
  return others.length === 0
    ? sql`lower(${column}) = ${spelling}`
    : sql`lower(${column}) IN ${[spelling, ...others]}`
}

/** A text as a column may have it, with the letters of ASCII in lower case. */
function spellings(column: Column, text: string): readonly string[] {
  const composed = text.normalize('NFC')
  // Addresses are stored in lower case, all letters of them.
  const stored = column.name === 'email' ? composed.toLowerCase() : composed
  // Old texts may not be in composed form (NFC), and other programs may have written addresses as they were.
  return [...new Set([stored, composed, text].map(lowerAscii))]
}

/** Things by their ids, as others name them. */
export async function refsOf<N extends Noun>(
  db: Database,
  noun: N,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Ref<N>>> {
  const [table, { label }] = [tableOf(noun), nouns[noun]]
  const refs = await db
    .select({ id: table.id, [label]: column(noun, label) })
    .from(table)
    .where(oneOf(table.id, ids))
  return new Map((refs as object[] as Ref<N>[]).map(ref => [ref.id, ref]))
}

/** Rows where one of the columns contains the text, regardless of case. */
export const contains = (columns: readonly Column[], text: string | undefined): SQL | undefined =>
  text === undefined
    ? undefined
    : or(...columns.flatMap(column => spellings(column, text).map(spelling => holdsText(column, spelling))))

async function only<N extends Noun>(
  db: Database,
  noun: N,
  selector: string,
  rows: readonly Row<N>[],
  where: SQL | undefined,
): Promise<Row<N>> {
  const [first, second] = rows
  if (first !== undefined && second === undefined) return first
  const quoted = quotedSelector(selector, nouns[noun].prefix)
  if (first === undefined) {
    const close = await nearestLabel(db, noun, selector, where)
    throw new LatchkeyError(
      'not_found',
      `no ${noun} matches ${quoted}${didYouMean(close)}`,
      `see them with: latchkey ${noun} list`,
    )
  }
  const shown = rows.slice(0, 10).map(row => `${labelOf(noun, row)} (${row.id})`)
  throw new LatchkeyError(
    'ambiguous',
    `${quoted} matches ${rows.length > 10 ? 'more than 10' : rows.length} ${nouns[noun].plural}: ${shown.join(', ')}`,
    `use an id, for example: ${first.id}`,
  )
}

/**
 * The only row that matches an id or a prefix of one.
 *
 * @param isMeant as `byId` makes it
 * @param read reads at most two of those that match
 * @param list the command that lists all of them
 * @throws not_found, ambiguous
 */
export async function oneById<Row extends { readonly id: string }>(
  noun: string,
  isMeant: SQL | undefined,
  read: (isMeant: SQL) => PromiseLike<readonly Row[]>,
  list = `latchkey ${noun} list`,
): Promise<Row> {
  const [row, second] = isMeant ? await read(isMeant) : []
  if (row === undefined)
    throw new LatchkeyError('not_found', `no ${noun} has that id`, `see them with: ${list}`)
  if (second === undefined) return row
  throw new LatchkeyError(
    'ambiguous',
    `more than one ${noun} matches that id: ${row.id}, ${second.id}`,
    `use a whole id, for example: ${row.id}`,
  )
}

/** Labels to search for one that is close to what was typed. */
const mostCompared = 5_000

async function nearestLabel(
  db: Database,
  noun: Noun,
  typed: string,
  where: SQL | undefined,
): Promise<string | undefined> {
  if (looksLikeId(typed.toLowerCase(), nouns[noun].prefix)) return undefined
  const label = column(noun, nouns[noun].label)
  const reach = Math.max(1, Math.floor(typed.length * 0.4))
  const length = sql`length(${label})`
  const near = await db
    .select({ name: sql<string>`${label}` })
    .from(tableOf(noun))
    .where(and(gte(length, typed.length - reach), lte(length, typed.length + reach), where))
    .limit(mostCompared)
  return nearest(
    typed,
    near.map(({ name }) => name),
  )
}
