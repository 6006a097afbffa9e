/** Users, projects and keys of other systems. Types alone; `src/operations/import` has the rules. */
import type { ImportReport, ImportSummary, ImportUndo } from '../contract/views.ts'
import type { ImportOptions, UndoOptions } from '../operations/import/input.ts'

/** Takes over data from other systems: in one transaction, and again without counting anything twice. */
export interface Imports {
  /**
   * Imports an `apikeys.json` or a SQLite database of glm-proxy. A key is recognised by the hash of its secret.
   *
   * @throws invalid (names the first thing that is wrong in the source, and how many more there are; nothing is imported),
   *   not_found, corrupt, busy, permission
   * @example
   * const source = new TextEncoder().encode('{"keys":[]}')
   * const { created } = await latchkey.imports.glmProxy({ file: 'apikeys.json', bytes: source })
   */
  readonly glmProxy: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports a SQLite database of ccluster: users with their passwords, and keys. A user who is here under the same username
   * is linked, and stays as is.
   *
   * @throws invalid (as `glmProxy`, or what the source lacks), not_found, corrupt, busy, permission
   * @example
   * await latchkey.imports.ccluster({ file: 'no-such-file.db' }).catch(error => console.log(error.code))
   */
  readonly ccluster: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports a folder with a dump for each table of Dokify, or a SQLite copy of its schema: users, projects and keys. A user
   * who is here under the same email is linked, and stays as is.
   *
   * @throws invalid (as `glmProxy`, or what the source lacks), not_found, corrupt, busy, permission
   * @example
   * await latchkey.imports.dokify({ file: 'no-such-folder' }).catch(error => console.log(error.code))
   */
  readonly dokify: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports so far, newest first.
   *
   * @throws busy, corrupt
   * @example
   * const [latest] = await latchkey.imports.list()
   */
  readonly list: () => Promise<readonly ImportSummary[]>
  /**
   * One import, by its id or the first characters of it.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.imports.get('imp_00').catch(error => console.log(error.code))
   */
  readonly get: (selector: string) => Promise<ImportSummary>
  /**
   * Takes an import back: what it created is erased, what it changed is as before.
   *
   * @throws not_found, ambiguous, conflict (undone already, too old, or something was changed or used since)
   * @example
   * await latchkey.imports.undo('imp_00').catch(error => console.log(error.code))
   */
  readonly undo: (selector: string, options?: UndoOptions) => Promise<ImportUndo>
}
