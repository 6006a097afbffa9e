/** Keeps what long loops leave behind small. Must never be what a result depends on. */

/** Rows whose remains may lie about: too few, and the collector does nothing else. */
const rowsPerCollection = 20_000

/**
 * Told of rows that were worked through, collects now and then: what rows leave behind outgrows many times what is kept
 * of them before the collector thinks of it by itself.
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
