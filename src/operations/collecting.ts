/** Runs the garbage collector during long loops. Results never depend on it. */

/** Rows between collections. With fewer, too much time would be spent collecting. */
const rowsPerCollection = 30_000

/**
 * Call the result with the number of rows processed. The collector on its own would let garbage grow to many times the
 * size of the live data.
 */
export function collecting(): (rows: number) => void {
  let since = 0
  return rows => {
    since += rows
    if (since < rowsPerCollection) return
    since = 0
    Bun.gc(true)
  }
}
