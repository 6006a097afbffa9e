/** Users, projects and keys of other systems. Types only; `src/operations/import` has the rules. */
import type { AuthCheck, ImportReport, ImportSummary, ImportUndo } from '../contract/views.ts'
import type { SourceFile } from '../formats/source.ts'
import type { ImportOptions, UndoOptions } from '../operations/import/input.ts'

/** How people sign in, here and in an application on Better Auth. */
export interface Auth {
  /**
   * Finds rows whose user or organization is not there, organizations without an owner, keys of banned users, double members, and
   * accounts without an issuer, each with what mends it. Changes nothing.
   *
   * @param source the SQLite file or `postgres://` URL of an application; left out: this database
   * @throws invalid (not a database of Better Auth), not_found, corrupt, busy, permission, usage and config (the server)
   * @example
   * const { ok, findings } = await latchkey.auth.check()
   */
  readonly check: (source?: SourceFile) => Promise<AuthCheck>
}

/** Imports data of other systems, in one transaction. An import can be repeated: nothing is counted twice. */
export interface Imports {
  /**
   * Imports an `apikeys.json` or a SQLite database of glm-proxy. A key is recognised by the hash of its secret.
   *
   * @throws invalid (names the first problem of the source and the number of others; nothing is imported), not_found,
   *   corrupt, busy, permission
   * @example
   * const source = new TextEncoder().encode('{"keys":[]}')
   * const { created } = await latchkey.imports.glmProxy({ file: 'apikeys.json', bytes: source })
   */
  readonly glmProxy: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports a SQLite database of ccluster: users with their passwords, and keys. A user with the same username here is
   * linked and stays unchanged.
   *
   * @throws invalid (as `glmProxy`, or what the source lacks), not_found, corrupt, busy, permission
   * @example
   * await latchkey.imports.ccluster({ file: 'no-such-file.db' }).catch(error => console.log(error.code))
   */
  readonly ccluster: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports a folder with a dump for each table of Dokify, or a SQLite copy of its schema: users, projects and keys. A
   * user with the same email address here is linked and stays unchanged.
   *
   * @throws invalid (as `glmProxy`, or what the source lacks), not_found, corrupt, busy, permission
   * @example
   * await latchkey.imports.dokify({ file: 'no-such-folder' }).catch(error => console.log(error.code))
   */
  readonly dokify: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports an application on Better Auth, from its SQLite file or the `postgres://` URL of its server: users with their accounts
   * and sessions, organizations, and API keys. Keys, passwords and sessions keep working.
   *
   * @throws invalid (as `glmProxy`, or what the source lacks), not_found, corrupt, busy, permission, usage and config (the server)
   * @example
   * await latchkey.imports.betterAuth({ file: 'no-such-file.db' }).catch(error => console.log(error.code))
   */
  readonly betterAuth: (source: ImportOptions) => Promise<ImportReport>
  /**
   * Imports so far, newest first.
   *
   * @throws busy, corrupt
   * @example
   * const [latest] = await latchkey.imports.list()
   */
  readonly list: () => Promise<readonly ImportSummary[]>
  /**
   * One import, by its id or the first characters of its id.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.imports.get('imp_00').catch(error => console.log(error.code))
   */
  readonly get: (selector: string) => Promise<ImportSummary>
  /**
   * Undoes an import: erases what it created, and restores what it changed.
   *
   * @throws not_found, ambiguous, conflict (already undone, too old, or something was changed or used since)
   * @example
   * await latchkey.imports.undo('imp_00').catch(error => console.log(error.code))
   */
  readonly undo: (selector: string, options?: UndoOptions) => Promise<ImportUndo>
}
