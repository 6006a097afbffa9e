/** How things are measured here: against a floor in the same run, in rounds that take turns, the best of each. */

/** One line of the table. */
export interface Row {
  readonly name: string
  readonly ratio: number
  readonly bound: number
  /** Which side of the bound is good. */
  readonly better: 'higher' | 'lower'
  readonly detail: string
}

/** Runs what is given in turns, so that a noisy machine is noisy to all; the best time of each in milliseconds. */
export async function best<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, () => unknown>>,
  /** Runs untimed before each, so that none inherits work from the one before. */
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

/** Milliseconds for so many as microseconds each. */
export const each = (ms: number, count: number): string => `${((ms / count) * 1000).toFixed(1)} µs`
