/** Finding keys, as a list or one after another. Reads only. */
import type { Key, KeySort } from '../../contract/views.ts'
import { asc, type SQL } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import type { Database } from '../../db/transaction.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../select.ts'
import type { KeyFilter } from './filter.ts'
import { type FlatKey, keyQuery, keyViews, withLimits } from './view.ts'

export interface KeyPage extends KeyFilter {
  /** Default: the order in which they were made here. What is never comes last, in both directions. */
  readonly sort?: KeySort | undefined
  readonly descending?: boolean | undefined
  /** At most this many. */
  readonly limit?: number | undefined
  /** Only what comes after this key in the order asked for; keys made or erased meanwhile move no page. */
  readonly after?: KeySelector | undefined
}

/** A page as conditions and order of a query. */
export interface Page {
  readonly where: SQL | undefined
  readonly order: readonly SQL[]
  readonly limit: number | undefined
}

const everything: Page = { where: undefined, order: [asc(keys.id)], limit: undefined }

/** Most lists are asked for whole, and do not wait for what the others need. */
async function pageOf(given: KeyPage): Promise<(db: Database, now: Date) => Promise<Page>> {
  if (Object.values(given).every(value => value === undefined)) return async () => everything
  const { readPage } = await import('./page.ts')
  return readPage(given)
}

/** @throws invalid; not_found, ambiguous for the user, the project or the key to begin after */
export async function listKeys(context: OperationContext, given: KeyPage = {}): Promise<readonly Key[]> {
  const page = await pageOf(given)
  return context.store.read(async db => {
    const now = context.now()
    const { where, order, limit } = await page(db, now)
    return keyViews(db, now, where, order, limit)
  })
}

const batchSize = 2_000

/**
 * The same keys one after another, all of them as they were when the first was read, in constant memory. Other
 * operations may go on meanwhile.
 *
 * @throws as `listKeys`, when the first is read
 */
export async function* streamKeys(context: OperationContext, given: KeyPage = {}): AsyncGenerator<Key> {
  const page = await pageOf(given)
  for await (const batch of context.store.stream(async function* ({ database, rows }) {
    const now = context.now()
    const { where, order, limit } = await page(database, now)
    const query = keyQuery(database, where, order)
    let batch: FlatKey[] = []
    for (const row of rows<FlatKey>(limit === undefined ? query : query.limit(limit))) {
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
