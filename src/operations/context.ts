/** What every operation is given: the store, the clock, and on whose behalf it acts. */
import type { Origin } from '../contract/views.ts'
import type { Store } from '../db/transaction.ts'

export interface Actor {
  readonly name: string
  readonly origin: Origin
}

export interface OperationContext {
  readonly store: Store
  readonly now: () => Date
  readonly actor: Actor
}

/**
 * What an operation on the whole file is given, in place of an open store: the database may be missing, older
 * than this program, or damaged.
 */
export interface FileContext {
  /** The database. */
  readonly path: string
  /** Where backups go, and come from, when a call names no other folder. */
  readonly backupDir: string
  readonly now: () => Date
  readonly actor: Actor
  /** The same checks and the same result; nothing is changed. */
  readonly dryRun: boolean
}
