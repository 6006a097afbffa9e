/** Measures things against a reference in the same run, alternating in rounds. The best of each counts. */

/** One line of the table. */
export interface Row {
  readonly name: string
  readonly ratio: number
  readonly bound: number
  /** Which side of the bound is good. */
  readonly better: 'higher' | 'lower'
  readonly detail: string
}

/** Runs the functions in turns, so that a noisy machine affects all of them. Returns the best time of each in milliseconds. */
export async function best<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, () => unknown>>,
  /** Runs before each function without being timed, so that none inherits work from the previous one. */
  settle: () => void = () => {},
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(works) as Name[]
  const times = Object.fromEntries(names.map(name => [name, Number.POSITIVE_INFINITY])) as Record<
    Name,
    number
  >
  for (const name of inTurns(names, rounds)) {
    settle()
    Bun.gc(true)
    const begun = performance.now()
    await works[name]()
    times[name] = Math.min(times[name], performance.now() - begun)
  }
  return times
}

/** Each name so many times; the order turns round with every round. */
export function* inTurns<Name extends string>(names: readonly Name[], rounds: number): Generator<Name> {
  for (let round = 0; round < rounds; round++) yield* round % 2 === 0 ? names : names.toReversed()
}

/** Milliseconds per batch as microseconds per item. */
export const each = (ms: number, count: number): string => `${((ms / count) * 1000).toFixed(1)} µs`
