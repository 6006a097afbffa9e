/** Imports the users and keys of ccluster; again and again, while both systems are in use. */
import type { ImportReport } from '../../contract/views.ts'
import { readCcluster } from '../../formats/ccluster.ts'
import type { OperationContext } from '../context.ts'
import type { ImportOptions } from './input.ts'
import { importData } from './pipeline.ts'

/**
 * Reads a SQLite database of ccluster and creates or updates its users and keys in one transaction. Passwords and keys
 * go on working. A user who is here under the same username is linked, and stays as is.
 *
 * @throws invalid, naming the first thing wrong in the source and how many more there are, or what it lacks; nothing
 *   is imported then. not_found, corrupt, busy, permission for the file
 */
export function importCcluster(context: OperationContext, input: ImportOptions): Promise<ImportReport> {
  return importData(context, 'ccluster', input, readCcluster)
}
