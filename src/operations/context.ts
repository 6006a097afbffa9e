/** What every operation is given: the store, the clock, and on whose behalf it acts. */

import type { ProgressListener } from '../contract/views.ts'
import type { Store } from '../db/engine.ts'
import type { Environment } from '../system/home.ts'
import type { KeepPolicy } from './file/backup/input.ts'
import type { Actor } from './input.ts'

export interface OperationContext {
  readonly store: Store
  readonly now: () => Date
  readonly actor: Actor
  /** Told now and then how far something long has come. */
  readonly onProgress?: ProgressListener | undefined
}

/** What an operation is given that meets files besides: also which one is the database. */
export interface BesideContext extends OperationContext {
  readonly path: string
}

/**
 * What an operation on the whole file is given, in place of an open store: the database may be missing, older
 * than this program, or damaged.
 */
export interface FileContext {
  /** The database. */
  readonly path: string
  /** Where backups go, and come from, when a call names no other place: a folder, or `s3://bucket/prefix`. */
  readonly backupDir: string
  /** What `create` with pruning, and `prune` without a policy of its own, keep. */
  readonly keep?: KeepPolicy | undefined
  /** Age recipients, one a line: when given, every backup is encrypted to them. */
  readonly ageRecipientsFile?: string | undefined
  /** Age identities, which open such backups again. */
  readonly ageIdentityFile?: string | undefined
  /** Where the AWS_ variables are looked up, and the folders of the user. */
  readonly env?: Environment | undefined
  readonly now: () => Date
  readonly actor: Actor
  /** Told now and then how far something long has come. */
  readonly onProgress?: ProgressListener | undefined
  /** The same checks and the same result; nothing is changed. */
  readonly dryRun: boolean
}
