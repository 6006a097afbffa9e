/** Imports the keys of glm-proxy, with what they used; again and again, while both systems are in use. */
import { type Stats, statSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import type { ImportReport } from '../../contract/views.ts'
import { readGlmProxy } from '../../formats/glm-proxy.ts'
import type { SourceFile } from '../../formats/source.ts'
import type { OperationContext } from '../context.ts'
import { importKeys } from './import-keys.ts'

/**
 * Reads an `apikeys.json` or a SQLite database of glm-proxy and creates or updates its keys in one transaction. A
 * key is recognised by the hash of its secret. What the source changed since its last import is applied, what was
 * changed here is kept, and used tokens are never counted twice.
 *
 * @throws invalid, naming the first thing wrong in the source and how many more there are; nothing is imported then.
 *   not_found, corrupt, busy, permission for the file
 */
export async function importGlmProxy(context: OperationContext, input: SourceFile): Promise<ImportReport> {
  if (input.bytes === undefined) refuseOwnDatabase(input.file, context.store.path)
  return importKeys(context, 'glm-proxy', input.file, await readGlmProxy(input))
}

/** Closing a file that this process also has open in SQLite drops SQLite's locks on it (POSIX): never touch it. */
function refuseOwnDatabase(file: string, database: string): void {
  const source = identify(file)
  if (source === undefined) return
  const own = ['', '-wal', '-shm', '-journal'].map(suffix => identify(database + suffix))
  if (!own.some(other => other !== undefined && other.ino === source.ino && other.dev === source.dev)) return
  throw new LatchkeyError(
    'invalid',
    `${file} belongs to the database that would be imported into`,
    'name the file that glm-proxy writes, usually data/apikeys.json or data/sqlite.db',
  )
}

function identify(file: string): Stats | undefined {
  try {
    return statSync(file)
  } catch {
    // Reading it says what is wrong with it.
    return undefined
  }
}
