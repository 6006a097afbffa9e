/** Builds the query for a page of keys: filter, order and start. */

import type { KeySort } from '../../contract/views.ts'
import type { Database, KeyQuery } from '../../db/engine.ts'
import { and, asc, desc, eq, gt, isNull, lt, or, type SQL, type SQLWrapper, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { parse } from '../rules/input.ts'
import { find } from '../select.ts'
import { tokensIn } from '../usage/sum.ts'
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

const sortedBy: Readonly<Record<KeySort, SQLWrapper>> = {
  name: sql`lower(${keys.name})`,
  created: keys.createdAt,
  expires: keys.expiresAt,
  'last-used': keys.lastUsedAt,
  tokens: tokensIn(keys),
  cost: keys.costMicros,
}

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
  const value = sort && sql`${sortedBy[sort]}`
  const order = value ? [sql`${value} IS NULL`, direction(value), direction(keys.id)] : [direction(keys.id)]
  if (page.after === undefined) return { where, order }
  const { id } = await find(db, 'key', page.after)
  return { where: and(where, await beyond(db, id, value, descending ? lt : gt)), order }
}

/** The keys after a key: a greater value, the same value with a greater id, or no value. */
async function beyond(
  db: Database,
  id: string,
  value: SQL | undefined,
  further: typeof lt | typeof gt,
): Promise<SQL | undefined> {
  if (value === undefined) return further(keys.id, id)
  const [row] = await db
    .select({ value: sql<unknown>`${value}` })
    .from(keys)
    .where(eq(keys.id, id))
    .limit(1)
  const last = row?.value ?? null
  if (last === null) return and(isNull(value), further(keys.id, id))
  return or(further(value, last), and(eq(value, last), further(keys.id, id)), isNull(value))
}
