/** Lists keys, or streams them. Only reads. */
import type { Key } from '../../contract/views.ts'
import type { OperationContext } from '../context.ts'
import type { KeyPage } from './input.ts'
import type { LookUp } from './page.ts'
import { keyViews, withLimits } from './view.ts'

/** @throws invalid; not_found, ambiguous for the user, the project or the `after` key */
export async function listKeys(context: OperationContext, given: KeyPage = {}): Promise<readonly Key[]> {
  const page = await pageOf(given)
  return context.store.read(async db => {
    const now = context.now()
    return keyViews(db, now, await page(async () => db, now))
  })
}

/**
 * Streams the same keys from one snapshot, in constant memory. Other operations may run meanwhile.
 *
 * @throws as `listKeys`, once the first is read
 */
export async function* streamKeys(context: OperationContext, given: KeyPage = {}): AsyncGenerator<Key> {
  const page = await pageOf(given)
  for await (const batch of context.store.stream(async function* ({ database, facts, keys }) {
    const now = context.now()
    const query = await page(database, now)
    for await (const batch of keys(query)) yield await withLimits(facts, now, batch)
  })) {
    yield* batch
  }
}

/** Most lists have no filter, so the code for filters is loaded late. */
async function pageOf(given: KeyPage): Promise<LookUp> {
  if (Object.values(given).every(value => value === undefined)) return async () => ({})
  const { readPage } = await import('./page.ts')
  return readPage(given)
}
