/**
 * Loads operations when they are first called, so that a command loads only what it runs. A gateway loads all before it
 * starts. Knows no operation itself.
 */

export class LateBinding {
  readonly #loads: (() => Promise<unknown>)[] = []
  #calls = new Calls()

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
        if (loaded === undefined)
          return this.#followed(ready().then(module => pick(module)(contextOf(), ...rest)))
        // An async function around it would add three turns of the queue.
        try {
          return this.#followed(pick(loaded)(contextOf(), ...rest))
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
  settled(): Promise<void> {
    const calls = this.#calls
    this.#calls = new Calls(calls)
    return calls.settled()
  }

  #followed<T>(call: Promise<T>): Promise<T> {
    const calls = this.#calls
    calls.count++
    call.then(calls.ended, calls.ended)
    return call
  }
}

/** Counts calls that are under way, because a list of them is felt where a gateway waits for each. */
class Calls {
  count = 0
  readonly #before: Calls | undefined
  readonly #settled = Promise.withResolvers<void>()
  #isAwaited = false

  /** @param before those that began earlier */
  constructor(before?: Calls) {
    this.#before = before
  }

  readonly ended = (): void => {
    if (--this.count === 0 && this.#isAwaited) this.#settled.resolve()
  }

  async settled(): Promise<void> {
    this.#isAwaited = true
    if (this.count === 0) this.#settled.resolve()
    await Promise.all([this.#before?.settled(), this.#settled.promise])
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
