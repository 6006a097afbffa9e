/** Keeps an import from reading the database that it would write to. */
import { LatchkeyError } from '../../contract/errors.ts'
import { sidecars, statOf } from '../../system/files.ts'

/**
 * Closing a file that this process also has open in SQLite drops SQLite's locks on it (POSIX): never touch it.
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
    `${file} belongs to the database that would be imported into`,
    'name what the other system writes; latchkey import --help has examples',
  )
}
