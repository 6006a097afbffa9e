/** Imports the users, projects, keys and usage of Dokify; again and again, while both systems are in use. */
import type { ImportReport } from '../../contract/views.ts'
import { readDokify } from '../../formats/dokify.ts'
import type { OperationContext } from '../context.ts'
import type { ImportOptions } from './input.ts'
import { importData } from './pipeline.ts'

/**
 * Reads a folder with a dump per table, or a SQLite copy of Dokify's schema, and creates or updates its users, projects
 * and keys in one transaction. A user who is here under the same email address is linked, and stays as is.
 *
 * @throws invalid, naming the first thing wrong in the source and how many more there are, or what it lacks; nothing
 *   is imported then. not_found, corrupt, busy, permission for the files
 */
export function importDokify(context: OperationContext, input: ImportOptions): Promise<ImportReport> {
  return importData(context, 'dokify', input, readDokify)
}
