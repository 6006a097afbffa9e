/** Finding keys: in which order they come, and where a page begins. Reads only. */

import type { Key, KeySort } from '../../contract/views.ts'
import { and, asc, desc, eq, gt, isNull, lt, or, type SQL, type SQLWrapper, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import type { Database } from '../../db/transaction.ts'
import type { OperationContext } from '../context.ts'
import { findKey, type KeySelector } from '../select.ts'
import { conditionOf, isEmpty, type KeyFilter } from './filter.ts'
import { type FlatKey, keyQuery, keyView, keyViews, withLimits } from './view.ts'

export interface KeyPage extends KeyFilter {
  /** Default: the order in which they were made here. What is never comes last, in both directions. */
  readonly sort?: KeySort | undefined
  readonly descending?: boolean | undefined
  /** At most this many. */
  readonly limit?: number | undefined
  /** Only what comes after this key in the order asked for; keys made or erased meanwhile move no page. */
  readonly after?: KeySelector | undefined
}

/** @throws invalid; not_found, ambiguous for the user, the project or the key to begin after */
export async function listKeys(context: OperationContext, given: KeyPage = {}): Promise<readonly Key[]> {
  const page = await checked(given)
  return context.store.read(async db => {
    const now = context.now()
    const { where, order } = await pageOf(db, now, page)
    return keyViews(db, now, where, order, page.limit)
  })
}

const checked = async (page: KeyPage): Promise<KeyPage> =>
  isEmpty(page) ? page : (await import('./filter-rules.ts')).readPage(page)

const batchSize = 2_000

/**
 * The same keys one after another, all of them as they were when the first was read, in constant memory. Other
 * operations may go on meanwhile.
 *
 * @throws as `listKeys`, when the first is read
 */
export async function* streamKeys(context: OperationContext, given: KeyPage = {}): AsyncGenerator<Key> {
  const page = await checked(given)
  for await (const batch of context.store.stream(async function* ({ database, rows }) {
    const now = context.now()
    const { where, order } = await pageOf(database, now, page)
    const query = keyQuery(database, where, order)
    let batch: FlatKey[] = []
    for (const row of rows<FlatKey>(page.limit === undefined ? query : query.limit(page.limit))) {
      batch.push(row)
      if (batch.length < batchSize) continue
      yield await withLimits(database, now, batch)
      batch = []
    }
    yield await withLimits(database, now, batch)
  })) {
    yield* batch
  }
}

/** @throws not_found, ambiguous */
export function getKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return context.store.read(async db => keyView(db, context.now(), (await findKey(db, selector)).id))
}

const sortedBy: Readonly<Record<KeySort, SQLWrapper>> = {
  name: sql`lower(${keys.name})`,
  created: keys.createdAt,
  expires: keys.expiresAt,
  'last-used': keys.lastUsedAt,
  tokens: sql`${keys.inputTokens} + ${keys.outputTokens} + ${keys.otherTokens}`,
  cost: keys.costMicros,
}

interface Page {
  readonly where: SQL | undefined
  readonly order: readonly SQL[]
}

async function pageOf(db: Database, now: Date, page: KeyPage): Promise<Page> {
  const where = await conditionOf(db, now, page)
  const { sort, descending = false } = page
  const direction = descending ? desc : asc
  const value = sort && sql`${sortedBy[sort]}`
  const order = value ? [sql`${value} IS NULL`, direction(value), direction(keys.id)] : [direction(keys.id)]
  if (page.after === undefined) return { where, order }
  const { id } = await findKey(db, page.after)
  return { where: and(where, await beyond(db, id, value, descending ? lt : gt)), order }
}

/** What comes after a key: a greater value, the same value and a greater id, or no value at all. */
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
