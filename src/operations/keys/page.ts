/** Builds the query for a page of keys: filter, order and start. */

import type { KeySort } from '../../contract/views.ts'
import type { Database, KeyQuery } from '../../db/engine.ts'
import { and, asc, desc, eq, type SQL, type SQLWrapper, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { parse } from '../rules/input.ts'
import { find } from '../select.ts'
import { counterColumns, lastUseOfKey, lifeOf, tokensIn } from '../usage/sum.ts'
import { conditionOf, parseFilter } from './filter.ts'
import { type KeyPage, paging } from './input.ts'

/** Builds the query of a page. The database is opened only if the page depends on it. */
export type LookUp = (open: () => Promise<Database>, now: Date) => Promise<KeyQuery>

/**
 * Checks the input and returns its look-up.
 *
 * @throws invalid; the look-up throws not_found, ambiguous for the user, the project or the `after` key
 */
export function readPage(given: KeyPage): LookUp {
  const page = { ...parseFilter(given), ...parse(paging, given) }
  return async (open, now) => {
    const { where, order } = await keysOf(await open(), now, page)
    return { where, order: sql.join(order, sql`, `), limit: page.limit }
  }
}

const [first, last] = [-9e15, 9e15]

/** What has none comes last, whichever way. */
const sortedBy = (sort: KeySort, none: number): SQL =>
  ({
    name: () => sql`lower(${keys.name})`,
    created: () => sql`${keys.createdAt}`,
    expires: () => sql`coalesce(${keys.expiresAt}, ${none})`,
    'last-used': () => sql`coalesce(${lastUseOfKey}, ${none})`,
    tokens: () => inLife(tokensIn(counterColumns)),
    cost: () => inLife(counterColumns.costMicros),
  })[sort]()

const inLife = (value: SQLWrapper): SQL =>
  sql`(SELECT ${totalOf(value)} FROM ${lifeOf(keyId => eq(keyId, keys.id))})`

/** Amounts are sorted with the largest first. */
const isAmount = (sort: KeySort | undefined): boolean => sort === 'tokens' || sort === 'cost'

interface Sought {
  readonly where: SQL | undefined
  readonly order: SQL[]
}

async function keysOf(db: Database, now: Date, page: KeyPage): Promise<Sought> {
  const where = await conditionOf(db, now, page)
  const { sort, descending = isAmount(sort) } = page
  const direction = descending ? desc : asc
  const value = sort && sortedBy(sort, descending ? first : last)
  const order = [...(value ? [direction(value)] : []), direction(keys.id)]
  if (page.after === undefined) return { where, order }
  const { id } = await find(db, 'key', page.after)
  return { where: and(where, await beyond(db, id, value, descending ? sql`<` : sql`>`)), order }
}

/** The keys after a key: a further value, or the same with a further id. Both at once, so that it is worked out once. */
async function beyond(db: Database, id: string, value: SQL | undefined, further: SQL): Promise<SQL> {
  if (value === undefined) return sql`${keys.id} ${further} ${id}`
  const [row] = await db
    .select({ value: sql<unknown>`${value}` })
    .from(keys)
    .where(eq(keys.id, id))
  return sql`(${value}, ${keys.id}) ${further} (${row?.value}, ${id})`
}
