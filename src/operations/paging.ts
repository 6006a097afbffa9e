/** Lists that are read page by page, by the id of the last thing of a page: the next begins after it, however many there are. */
import type { Database } from '../db/engine.ts'
import type { OperationContext } from './context.ts'

export const batchSize = 500

/** Which part of a list, in the order of ids. */
interface Page {
  /** Left out: all. */
  readonly limit?: number | undefined
  readonly after?: string | undefined
}

/** @param pageOf at most so many after an id, oldest first */
export function streamed<T extends { readonly id: string }>(
  context: OperationContext,
  { limit = Number.POSITIVE_INFINITY, after }: Page,
  pageOf: (db: Database, after: string | undefined, size: number) => Promise<readonly T[]>,
): AsyncGenerator<readonly T[]> {
  return context.store.stream(async function* (snapshot) {
    const db = await snapshot.database()
    let last = after
    for (let left = limit; left > 0; left -= batchSize) {
      const rows = await pageOf(db, last, Math.min(left, batchSize))
      yield rows
      if (rows.length < batchSize) return
      last = rows.at(-1)?.id
    }
  })
}
