/** A store whose code is loaded with its first use, so that nobody loads an engine that they do not have. */
import type { Answer, Store } from './engine.ts'

/** @param load makes the store; called once */
export function lateStore(load: () => Promise<Store>, access: Pick<Store, 'dryRun' | 'isWritable'>): Store {
  let loading: Promise<Store> | undefined
  let loaded: Store | undefined
  const store = (): Promise<Store> => {
    loading ??= load().then(it => {
      loaded = it
      return it
    })
    return loading
  }
  /** Once it is loaded, no request of a gateway waits here. */
  function use<T>(work: (store: Store) => Promise<T>): Promise<T>
  function use<T>(work: (store: Store) => Answer<T>): Answer<T>
  function use<T>(work: (store: Store) => Answer<T>): Answer<T> {
    return loaded === undefined ? store().then(work) : work(loaded)
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
      keyAt: (key, moment, refuses) => use(it => it.latest.keyAt(key, moment, refuses)),
      frees: (...asked) => use(it => it.latest.frees(...asked)),
      prices: () => use(it => it.latest.prices()),
    },
    usage: {
      charge: (keyId, usage, pricing) => use(it => it.usage.charge(keyId, usage, pricing)),
      enter: (...told) => use(it => it.usage.enter(...told)),
      reserve: (...asked) => use(it => it.usage.reserve(...asked)),
      settle: (...told) => use(it => it.usage.settle(...told)),
      release: id => use(it => it.usage.release(id)),
      addDenials: async rows => (await store()).usage.addDenials(rows),
    },
    size: () => use(it => it.size()),
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
