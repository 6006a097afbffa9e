/** Converts between dollars and the whole micro-dollars that are stored and summed. */

const microsPerDollar = 1_000_000

/** A cost, rounded up to the next micro-dollar, so that many small amounts do not add up to nothing. */
export const toCostMicros = (dollars: number): number =>
  Math.ceil(Number((dollars * microsPerDollar).toFixed(3)))

/** Dollars to the nearest micro-dollar. */
export const toMicros = (dollars: number): number => Math.round(dollars * microsPerDollar)

/** Only for display. Sums use micro-dollars. */
export const toDollars = (micros: number): number => micros / microsPerDollar
