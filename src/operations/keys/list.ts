/** Keys as a list, or one after another. Reads only. */
import type { Key } from '../../contract/views.ts'
import type { OperationContext } from '../context.ts'
import type { KeyPage } from './input.ts'
import type { LookUp } from './page.ts'
import { keyViews, withLimits } from './view.ts'

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
  for await (const batch of context.store.stream(async function* ({ database, facts, keys }) {
    const now = context.now()
    const query = await page(database, now)
    for await (const batch of keys(query, batchSize)) yield await withLimits(facts, now, batch)
  })) {
    yield* batch
  }
}

/** Most lists are asked for whole, and do not wait for what the others need. */
async function pageOf(given: KeyPage): Promise<LookUp> {
  if (Object.values(given).every(value => value === undefined)) return async () => ({})
  const { readPage } = await import('./page.ts')
  return readPage(given)
}
