/**
 * Operations that are loaded when they are first called: a command pays for the one that it runs, a gateway loads all
 * before it begins. Must know no operation by itself.
 */

/** What can be called of a module with this context, by the names that it exports. */
type NamesOf<C, M> = {
  [K in keyof M]: M[K] extends (context: C, ...rest: never[]) => Promise<unknown> ? K : never
}[keyof M]

type Bound<C, M, N extends Readonly<Record<string, keyof M>>> = {
  readonly [K in keyof N]: M[N[K]] extends (context: C, ...rest: infer R) => infer O
    ? (...rest: R) => O
    : never
}

export class LateBinding {
  readonly #loads: (() => Promise<unknown>)[] = []
  readonly #underWay = new Set<Promise<unknown>>()

  /**
   * Functions of a module with their first argument given, under the names that `names` gives them.
   *
   * @param contextOf makes the first argument of a call
   */
  bind<C, M, const N extends Readonly<Record<string, NamesOf<C, M> & string>>>(
    contextOf: () => C,
    load: () => Promise<M>,
    names: N,
  ): Bound<C, M, N> {
    let loaded: M | undefined
    const ready = async (): Promise<M> => {
      loaded = await load()
      return loaded
    }
    this.#loads.push(ready)
    return Object.fromEntries(
      Object.entries(names).map(([name, exported]) => {
        const call = async (...rest: unknown[]): Promise<unknown> => {
          const run = (loaded ?? (await ready()))[exported] as (context: C, ...rest: unknown[]) => unknown
          return run(contextOf(), ...rest)
        }
        return [name, (...rest: unknown[]) => this.#followed(call(...rest))]
      }),
    ) as Bound<C, M, N>
  }

  /** What operations load by themselves, when their input needs it. */
  include(...loads: readonly (() => Promise<unknown>)[]): void {
    this.#loads.push(...loads)
  }

  /** Loads everything, so that no later call waits for it, or finds files that an upgrade has put there since. */
  async loadAll(): Promise<void> {
    await Promise.all(this.#loads.map(load => load()))
  }

  /** Resolves when every call so far has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  #followed(call: Promise<unknown>): Promise<unknown> {
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
