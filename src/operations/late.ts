/**
 * Operations that are loaded when they are first called: a command pays for the one that it runs, a gateway loads all
 * before it begins. Must know no operation by itself.
 */

export class LateBinding {
  readonly #loads: (() => Promise<unknown>)[] = []
  readonly #underWay = new Set<Promise<unknown>>()

  /**
   * A module that is loaded with its first call. Gives what picks an operation of it and leaves out its first argument.
   *
   * @param contextOf makes the first argument of a call
   */
  from<C, M>(contextOf: () => C, load: () => Promise<M>) {
    let loaded: M | undefined
    const ready = async (): Promise<M> => {
      loaded = await load()
      return loaded
    }
    this.#loads.push(ready)
    return <A extends readonly unknown[], R>(pick: (module: M) => (context: C, ...rest: A) => Promise<R>) =>
      (...rest: A): Promise<R> =>
        this.#followed((async () => pick(loaded ?? (await ready()))(contextOf(), ...rest))())
  }

  /** Loads everything, so that no later call waits for it, or finds files that an upgrade has put there since. */
  async loadAll(): Promise<void> {
    await Promise.all(this.#loads.map(load => load()))
  }

  /** Resolves when every call so far has ended. */
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
 * The same context with a clock that is read once, when it is first asked: what one operation writes, returns and tells
 * the audit trail happened at one moment.
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
