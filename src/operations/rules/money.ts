/** Dollars as people give them, and the whole micro-dollars in which they are stored and added up. */

const microsPerDollar = 1_000_000

/** What something cost, rounded up to the next micro-dollar: many small amounts must not come to nothing. */
export const toCostMicros = (dollars: number): number =>
  Math.ceil(Number((dollars * microsPerDollar).toFixed(3)))

/** Dollars to the nearest micro-dollar. */
export const toMicros = (dollars: number): number => Math.round(dollars * microsPerDollar)

/** For showing alone: sums are made of micro-dollars. */
export const toDollars = (micros: number): number => micros / microsPerDollar
