/** Imports the keys of glm-proxy, with what they used; again and again, while both systems are in use. */
import type { ImportReport } from '../../contract/views.ts'
import { readGlmProxy } from '../../formats/glm-proxy.ts'
import type { OperationContext } from '../context.ts'
import type { ImportOptions } from './input.ts'
import { importData } from './pipeline.ts'

/**
 * Reads an `apikeys.json` or a SQLite database of glm-proxy and creates or updates its keys in one transaction. A
 * key is recognised by the hash of its secret. What the source changed since its last import is applied, what was
 * changed here is kept, and used tokens are never counted twice.
 *
 * @throws invalid, naming the first thing wrong in the source and how many more there are; nothing is imported then.
 *   not_found, corrupt, busy, permission for the file
 */
export function importGlmProxy(context: OperationContext, input: ImportOptions): Promise<ImportReport> {
  return importData(context, 'glm-proxy', input, readGlmProxy)
}
