/**
 * Loads operations when they are first called, so that a command loads only what it runs. A gateway loads all before it
 * starts. Knows no operation itself.
 */

export class LateBinding {
  readonly #loads: (() => Promise<unknown>)[] = []
  readonly #underWay = new Set<Promise<unknown>>()

  /**
   * Binds a module that is loaded on its first call. Returns a function that picks an operation without its first argument;
   * its `stream` picks one that yields, whose module is loaded when the first is read.
   *
   * @param usual makes the first argument of a call, unless the pick names another
   */
  from<C, M>(usual: () => C, load: () => Promise<M>) {
    let loaded: M | undefined
    const ready = async (): Promise<M> => {
      loaded = await load()
      return loaded
    }
    this.#loads.push(ready)
    const bind =
      <A extends readonly unknown[], R>(
        pick: (module: M) => (context: C, ...rest: A) => Promise<R>,
        contextOf = usual,
      ) =>
      (...rest: A): Promise<R> => {
        const begun = (module: M): Promise<R> => pick(module)(contextOf(), ...rest)
        if (loaded === undefined) return this.#followed(ready().then(begun))
        // An async function around it would add three turns of the queue.
        try {
          return this.#followed(begun(loaded))
        } catch (error) {
          return Promise.reject(error)
        }
      }
    const stream = <A extends readonly unknown[], R>(
      pick: (module: M) => (context: C, ...rest: A) => AsyncIterable<R>,
      contextOf = usual,
    ) =>
      async function* (...rest: A): AsyncGenerator<R> {
        yield* pick(loaded ?? (await ready()))(contextOf(), ...rest)
      }
    return Object.assign(bind, { stream })
  }

  /** Loads everything, so that later calls do not wait, or find files of a newer version after an upgrade. */
  async loadAll(): Promise<void> {
    await Promise.all(this.#loads.map(load => load()))
  }

  /** Resolves once every call so far has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  #followed<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call)
    const forget = () => this.#underWay.delete(call)
    call.then(forget, forget)
    return call
  }
}

/**
 * The same context with a clock that is read only once, so that everything an operation writes and returns has the same
 * time.
 */
export function atOneMoment<C extends { readonly now: () => Date }>(context: C): C {
  let moment: Date | undefined
  return {
    ...context,
    now: () => {
      moment ??= context.now()
      return moment
    },
  }
}
