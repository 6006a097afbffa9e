/** Refuses to import from the database that would be written to. */
import { LatchkeyError } from '../../contract/errors.ts'
import { sidecars, statOf } from '../../system/files.ts'

/**
 * Never opens the file: closing a file that SQLite also has open in this process drops SQLite's locks (POSIX).
 *
 * @throws invalid
 */
export function refuseOwnDatabase(file: string, database: string): void {
  const source = statOf(file)
  if (source === undefined) return
  const own = ['', ...sidecars].map(suffix => statOf(database + suffix))
  if (!own.some(other => other !== undefined && other.ino === source.ino && other.dev === source.dev)) return
  throw new LatchkeyError(
    'invalid',
    `${file} belongs to the database that you are importing into`,
    'give a file of the other system; see examples with: latchkey import --help',
  )
}
