/** A store whose code is loaded with its first use, so that nobody loads an engine that they do not have. */
import type { Store } from './engine.ts'

/** @param load makes the store; called once */
export function lateStore(load: () => Promise<Store>, access: Pick<Store, 'dryRun' | 'isWritable'>): Store {
  let loading: Promise<Store> | undefined
  const store = (): Promise<Store> => {
    loading ??= load()
    return loading
  }
  const beforeClose: (() => Promise<void>)[] = []
  return {
    ...access,
    open: async () => (await store()).open(),
    read: async work => (await store()).read(work),
    write: async work => (await store()).write(work),
    async *stream(work) {
      yield* (await store()).stream(work)
    },
    latest: {
      keyAt: async (...asked) => (await store()).latest.keyAt(...asked),
      frees: async (...asked) => (await store()).latest.frees(...asked),
      prices: async () => (await store()).latest.prices(),
    },
    usage: {
      charge: async (...told) => (await store()).usage.charge(...told),
      enter: async (...told) => (await store()).usage.enter(...told),
      reserve: async (...asked) => (await store()).usage.reserve(...asked),
      settle: async (...told) => (await store()).usage.settle(...told),
      release: async id => (await store()).usage.release(id),
      addDenials: async rows => (await store()).usage.addDenials(rows),
    },
    alone: async (...asked) => (await store()).alone(...asked),
    beforeClose: work => {
      beforeClose.push(work)
    },
    close: async () => {
      if (loading === undefined) return
      for (const work of beforeClose.splice(0)) await work()
      await (await loading).close()
    },
  }
}
