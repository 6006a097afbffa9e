/** Lists that are read a page at a time: each page begins after a key, so that the last one costs as much as the first. */
import type { Database } from '../db/engine.ts'
import { and, asc, type Column, desc, gt, lt, type SQL, type Table } from '../db/query.ts'
import type { OperationContext } from './context.ts'
import type { PageOf } from './input.ts'

/** What is listed, in the order of a key that no two share. */
export interface Source<View, Key = string> {
  /** Those after a key, or from the beginning, at most so many. */
  readonly read: (after: Key | undefined, limit: number) => Promise<readonly View[]>
  readonly keyOf: (view: View) => Key
  /** The key that the list begins after. */
  readonly after: Key | undefined
  /** How many a stream reads at once, where they may be large. */
  readonly batch?: number
}

/** One that knows how many there are, whatever it begins after. */
export interface Counted<View, Key = string> extends Source<View, Key> {
  readonly total: () => Promise<number>
}

/** A list that was asked for. */
interface Asked<Found> {
  /** At most so many. */
  readonly limit?: number | undefined
  /** Finds what the list speaks of. */
  readonly open: (db: Database) => Promise<Found>
}

const usualPage = 100
export const batchSize = 500

/**
 * Both ways to read a list: a page, with how many there are, and a stream.
 *
 * @param name what a page calls what is listed
 * @param ask checks what is given
 */
export const paged = <Name extends string, Given extends readonly unknown[], View, Key>(
  name: Name,
  ask: (context: OperationContext, ...given: Given) => Asked<Counted<View, Key>>,
) => ({
  page: async (context: OperationContext, ...given: Given): Promise<PageOf<Name, View>> => {
    const { limit = usualPage, open } = ask(context, ...given)
    return context.store.read(async db => {
      const source = await open(db)
      const views = await source.read(source.after, limit)
      return { [name]: views, total: await source.total() } as PageOf<Name, View>
    })
  },
  stream: (context: OperationContext, ...given: Given) => streamOf(context, ask(context, ...given)),
})

/** As `paged`, for lists whose page is all of them unless there is a limit. */
export const listed = <Given extends readonly unknown[], View, Key>(
  ask: (context: OperationContext, ...given: Given) => Asked<Source<View, Key>>,
) => ({
  page: async (context: OperationContext, ...given: Given): Promise<readonly View[]> => {
    const { limit, open } = ask(context, ...given)
    return context.store.read(async db => (await Array.fromAsync(batches(await open(db), limit))).flat())
  },
  stream: (context: OperationContext, ...given: Given) => streamOf(context, ask(context, ...given)),
})

/** Streams all, or so many, from one snapshot in constant memory. */
export async function* streamOf<View, Key>(
  context: OperationContext,
  { limit, open }: Asked<Source<View, Key>>,
): AsyncGenerator<View> {
  for await (const views of context.store.stream(async function* (snapshot) {
    yield* batches(await open(await snapshot.database()), limit)
  }))
    yield* views
}

/** A source, or so many of it, in parts. */
export async function* batches<View, Key>(
  { read, keyOf, after, batch = batchSize }: Source<View, Key>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly View[]> {
  for (let left = limit, last = after; left > 0; ) {
    const size = Math.min(left, batch)
    const views = await read(last, size)
    yield views
    const end = views.at(-1)
    if (end === undefined || views.length < size) return
    left -= views.length
    last = keyOf(end)
  }
}

/** The rows of a table in the order of a column that no two of them share. */
export const inOrder = <T extends Table, View, Key extends string | number>(
  db: Database,
  table: T,
  {
    by,
    where,
    descending = false,
    views,
    ...rest
  }: Omit<Source<View, Key>, 'read'> & {
    readonly by: Column
    readonly where: SQL | undefined
    readonly descending?: boolean
    readonly views: (rows: readonly T['$inferSelect'][]) => readonly View[] | Promise<readonly View[]>
  },
): Counted<View, Key> => ({
  ...rest,
  read: async (last, limit) => {
    const beyond = last === undefined ? undefined : (descending ? lt : gt)(by, last)
    const rows = db
      .select()
      .from(table)
      .where(and(where, beyond))
      .orderBy((descending ? desc : asc)(by))
      .limit(limit)
    return views((await rows) as readonly T['$inferSelect'][])
  },
  total: () => db.$count(table, where),
})
