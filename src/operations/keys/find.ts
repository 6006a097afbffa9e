/** Finding keys, as a list or one after another. Reads only. */
import type { Key, KeySort } from '../../contract/views.ts'
import { type KeyQuery, type ListedKey, listedKeys } from '../../db/key-rows.ts'
import type { Database } from '../../db/transaction.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../select.ts'
import type { KeyFilter } from './filter.ts'
import { keyViews, withLimits } from './view.ts'

export interface KeyPage extends KeyFilter {
  /** Default: the order in which they were made here. What is never comes last, in both directions. */
  readonly sort?: KeySort | undefined
  readonly descending?: boolean | undefined
  /** At most this many. */
  readonly limit?: number | undefined
  /** Only what comes after this key in the order asked for; keys made or erased meanwhile move no page. */
  readonly after?: KeySelector | undefined
}

const everything: KeyQuery = {}

/** Most lists are asked for whole, and do not wait for what the others need. */
async function pageOf(
  given: KeyPage,
): Promise<(open: () => Promise<Database>, now: Date) => Promise<KeyQuery>> {
  if (Object.values(given).every(value => value === undefined)) return async () => everything
  const { readPage } = await import('./page.ts')
  return readPage(given)
}

/** @throws invalid; not_found, ambiguous for the user, the project or the key to begin after */
export async function listKeys(context: OperationContext, given: KeyPage = {}): Promise<readonly Key[]> {
  const page = await pageOf(given)
  return context.store.read(async db => {
    const now = context.now()
    return keyViews(db, now, await page(async () => db, now))
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
    const query = listedKeys(await page(database, now))
    let batch: ListedKey[] = []
    for (const row of rows<ListedKey>(query)) {
      batch.push(row)
      if (batch.length < batchSize) continue
      yield withLimits(rows, now, batch)
      batch = []
    }
    yield withLimits(rows, now, batch)
  })) {
    yield* batch
  }
}
