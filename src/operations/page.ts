/** Lists that are read a page at a time: each page begins after a key, so that the last one costs as much as the first. */
import type { Database } from '../db/engine.ts'
import type { OperationContext } from './context.ts'

/** What is listed, in the order of a key that no two share. */
export interface Source<View> {
  /** Those after a key, or from the beginning, at most so many. */
  readonly read: (after: string | undefined, limit: number) => Promise<readonly View[]>
  readonly keyOf: (view: View) => string
  /** The key that the list begins after. */
  readonly after: string | undefined
  /** How many there are, whatever the list begins after. */
  readonly total: () => Promise<number>
}

/** Finds what a list speaks of. */
type Open<View> = (db: Database) => Promise<Source<View>>

const usualPage = 100

/** One page, and how many there are. */
export const pageFrom = <View>(context: OperationContext, open: Open<View>, limit = usualPage) =>
  context.store.read(async db => {
    const source = await open(db)
    return { views: await source.read(source.after, limit), total: await source.total() }
  })

const batchSize = 500

/** Streams all, or so many, from one snapshot in constant memory. */
export async function* streamFrom<View>(
  context: OperationContext,
  open: Open<View>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<View> {
  for await (const views of context.store.stream(async function* (snapshot) {
    const source = await open(await snapshot.database())
    let { after } = source
    for (let left = limit; left > 0; ) {
      const views = await source.read(after, Math.min(left, batchSize))
      yield views
      const last = views.at(-1)
      if (last === undefined || views.length < batchSize) return
      left -= views.length
      after = source.keyOf(last)
    }
  }))
    yield* views
}
