/**
 * Finds the one key, user or project that somebody means: by id, by a prefix of an id that fits only one, by its
 * unique name, a key also by the start of its secret or by the secret itself. What was resolved is what is acted on.
 */

import { LatchkeyError } from '../contract/errors.ts'
import type { Database } from '../db/engine.ts'
import { and, type Column, eq, gte, holdsText, isNull, lt, lte, or, type SQL, sql } from '../db/query.ts'
import { keys, secrets } from '../db/schema/keys.ts'
import { projects, users } from '../db/schema/people.ts'
import { didYouMean, nearest } from '../text/nearest.ts'
import type { KeySelector } from './input.ts'
import { type IdPrefix, looksLikeId } from './rules/ids.ts'
import { hashSecret, isMalformed } from './rules/secrets.ts'

export type UserRow = typeof users.$inferSelect
export type ProjectRow = typeof projects.$inferSelect
export type KeyRow = typeof keys.$inferSelect

/** @throws not_found, ambiguous */
export async function findUser(db: Database, selector: string): Promise<UserRow> {
  const rows = await usersFitting(db, selector)
  return only(
    db,
    'user',
    selector,
    rows,
    row => `${row.username} (${row.id})`,
    row => row.id,
  )
}

/** Those that a selector may mean; of more than ten, eleven. */
export async function usersFitting(db: Database, selector: string): Promise<readonly UserRow[]> {
  return db
    .select()
    .from(users)
    .where(
      or(
        byId(users.id, selector, 'usr'),
        sameText(users.username, selector),
        sameText(users.email, selector),
      ),
    )
    .limit(11)
}

/** @throws not_found, ambiguous */
export async function findProject(db: Database, selector: string): Promise<ProjectRow> {
  const rows = await db
    .select()
    .from(projects)
    .where(
      or(
        byId(projects.id, selector, 'prj'),
        sameText(projects.slug, selector),
        sameText(projects.name, selector),
      ),
    )
    .limit(11)
  return only(
    db,
    'project',
    selector,
    // Names are not unique: nobody can take a slug away by naming a project after it.
    preferred(rows, row => row.slug === selector.toLowerCase()),
    row => `${row.slug} (${row.id})`,
    row => row.id,
  )
}

/** @throws not_found, ambiguous */
export async function findKey(db: Database, selector: KeySelector): Promise<KeyRow> {
  if (typeof selector !== 'string') return findKeyBySecret(db, selector.secret)
  const rows = await db
    .select()
    .from(keys)
    .where(
      or(
        byId(keys.id, selector, 'key'),
        sameText(keys.name, selector),
        // A key that came with a hash alone has an empty start, which names nothing.
        selector === ''
          ? undefined
          : sql`${keys.id} IN (SELECT ${secrets.keyId} FROM ${secrets} WHERE ${and(eq(secrets.start, selector), isNull(secrets.endsAt))})`,
      ),
    )
    .limit(11)
  return only(
    db,
    'key',
    selector,
    // Nor can a key be hidden by one that happens to have a secret with such a start.
    preferred(rows, row => row.name.toLowerCase() === selector.normalize('NFC').toLowerCase()),
    row => `${row.name} (${row.id})`,
    row => row.id,
  )
}

async function findKeyBySecret(db: Database, secret: string): Promise<KeyRow> {
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

/** The rows that fit best where there are any, otherwise all. */
function preferred<Row>(rows: readonly Row[], isBest: (row: Row) => boolean): readonly Row[] {
  const best = rows.filter(isBest)
  return best.length > 0 ? best : rows
}

/** The id itself, or one that begins so; nothing where it looks like none. */
export function byId(column: Column, selector: string, prefix: IdPrefix): SQL | undefined {
  const text = selector.toLowerCase()
  // The tilde sorts after every character of an id.
  return looksLikeId(text, prefix) ? and(gte(column, text), lt(column, `${text}~`)) : undefined
}

/**
 * The same text whatever its case, as the unique indexes understand case: the database folds both sides, because
 * SQLite knows the case of ASCII letters only.
 */
export function sameText(column: Column, text: string): SQL {
  const composed = text.normalize('NFC')
  if (composed === text) return sql`lower(${column}) = lower(${text})`
  // Names that were given before they were composed stand as they were written.
  return sql`lower(${column}) IN (lower(${composed}), lower(${text}))`
}

/** Rows in which one of the columns holds the text, whatever its case. */
export const contains = (columns: readonly Column[], text: string | undefined): SQL | undefined =>
  text === undefined ? undefined : or(...columns.map(column => holdsText(column, text.normalize('NFC'))))

const names = { user: users.username, project: projects.slug, key: keys.name }

async function only<Row>(
  db: Database,
  noun: keyof typeof names,
  selector: string,
  rows: readonly Row[],
  describe: (row: Row) => string,
  idOf: (row: Row) => string,
): Promise<Row> {
  const [first, second] = rows
  if (first === undefined) {
    const close = await nearestName(db, names[noun], selector)
    throw new LatchkeyError(
      'not_found',
      `no ${noun} matches ${quote(selector)}${didYouMean(close)}`,
      `see them with: latchkey ${noun} list`,
    )
  }
  if (second === undefined) return first
  const shown = rows.slice(0, 10).map(describe)
  throw new LatchkeyError(
    'ambiguous',
    `${quote(selector)} matches ${rows.length > 10 ? 'more than 10' : rows.length} ${noun}s: ${shown.join(', ')}`,
    `use an id, for example: ${idOf(first)}`,
  )
}

/**
 * The one row of those that an id, or the beginning of one, was found to fit.
 *
 * @param list the command that shows them all
 * @throws not_found, ambiguous
 */
export function oneById<Row extends { readonly id: string }>(
  noun: string,
  rows: readonly Row[],
  list: string,
): Row {
  const [row, second] = rows
  if (row === undefined)
    throw new LatchkeyError('not_found', `no ${noun} has that id`, `see them with: ${list}`)
  if (second === undefined) return row
  throw new LatchkeyError(
    'ambiguous',
    `more than one ${noun} has an id that begins so: ${row.id}, ${second.id}`,
    `use a whole id, for example: ${row.id}`,
  )
}

/** Names that are looked through for one that is nearly what was typed. */
const mostCompared = 5_000

async function nearestName(
  db: Database,
  column: (typeof names)[keyof typeof names],
  typed: string,
): Promise<string | undefined> {
  const reach = Math.max(1, Math.floor(typed.length * 0.4))
  const length = sql`length(${column})`
  const near = await db
    .select({ name: sql<string>`${column}` })
    .from(column.table)
    .where(and(gte(length, typed.length - reach), lte(length, typed.length + reach)))
    .limit(mostCompared)
  return nearest(
    typed,
    near.map(({ name }) => name),
  )
}

/** The selector as it is safe to show on a terminal. That no secret is repeated, the error itself sees to. */
function quote(selector: string): string {
  const text = selector.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
  return text.length > 64 ? `"${text.slice(0, 8)}…"` : `"${text}"`
}
