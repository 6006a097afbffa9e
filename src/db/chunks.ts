/** Long lists in parts that one statement can take. */

/** SQLite binds 32,766 values at most, and no row here has more than twenty. */
const mostRows = 500

/** The rows in their order, some at a time. */
export function* inChunks<T>(rows: readonly T[], most = mostRows): Iterable<T[]> {
  for (let at = 0; at < rows.length; at += most) yield rows.slice(at, at + most)
}
