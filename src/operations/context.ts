/** The context of operations: the store, the clock and the actor. */

import type { ProgressListener, UnpricedRule } from '../contract/views.ts'
import type { Store } from '../db/engine.ts'
import type { ServerReader } from '../formats/source.ts'
import type { Environment } from '../system/home.ts'
import type { KeepPolicy } from './file/backup/input.ts'
import type { Actor } from './input.ts'

export interface OperationContext {
  readonly store: Store
  readonly now: () => Date
  readonly actor: Actor
  /** Whether requests for models without a price are denied where a dollar limit binds. */
  readonly unpriced?: UnpricedRule
  /** Called with the progress of long work. */
  readonly onProgress?: ProgressListener | undefined
  /** Called with something to know of what was done. */
  readonly onWarning?: ((text: string) => void) | undefined
}

/** What an operation is given that meets files besides: also which one is the database. */
export interface BesideContext extends OperationContext {
  readonly path: string
}

/** What an import is given: also what reads the servers of other systems. */
export interface ImportContext extends BesideContext {
  readonly foreign: ServerReader
}

/** A database on a server, for what otherwise works on a file: whatever it does happens to a private file, at most. */
export interface ServerDatabase {
  /** The names of what there is of it on this machine begin with this path. */
  readonly beside: string
  /** About how many bytes a file with its rows has. @throws database_missing, database_foreign */
  readonly size: () => Promise<number>
  /** null if it has none yet. @throws database_missing */
  readonly identity: () => Promise<string | null>
  /** Where it is, whoever asks: without user, password and options. */
  readonly place: string
  /** Reads one snapshot into an empty private file, while others write. */
  readonly copyTo: (file: string) => Promise<void>
  /** The last audit row with one of these actions, its `after` as JSON; undefined without one. */
  readonly lastAudited: (actions: readonly string[]) => Promise<AuditedLast | undefined>
  /**
   * Gives `work` what the database has now in a private file, or the name of none if it has no tables, and makes the database
   * what is in the file that `work` returns. If anything fails, or this process ends, it is as it was.
   */
  readonly change: (how: ServerChange, work: (live: string) => Promise<string>) => Promise<void>
}

export interface ServerChange {
  /**
   * `look` changes nothing. `part` changes rows that differ, while gateways go on. `whole` replaces everything, while nobody
   * else reads or writes, and makes the tables if there are none.
   */
  readonly how: 'look' | 'part' | 'whole'
  /** How long others may keep it waiting, in milliseconds, if that is longer than usual. */
  readonly waitMs: number
}

export interface AuditedLast {
  readonly type: string
  readonly id: string
  readonly name: string | null
  readonly after: string | null
}

/**
 * The context of operations on the whole file. There is no open store, because the database may be missing, old or
 * damaged.
 */
export interface FileContext {
  /** The database; on a server, its URL for people. */
  readonly path: string
  /** What the file is a private copy of, as manifests name it; left out if it is none. */
  readonly of?: string | undefined
  /** Left out for a file. */
  readonly server?: ServerDatabase | undefined
  /** The default place for backups: a folder, or `s3://bucket/prefix`. */
  readonly backupDir: string
  /** The default retention policy. */
  readonly keep?: KeepPolicy | undefined
  /** File of age recipients, one a line. If given, every backup is encrypted to them. */
  readonly ageRecipientsFile?: string | undefined
  /** File of age identities, which decrypt backups. */
  readonly ageIdentityFile?: string | undefined
  /** Environment for the AWS_ variables and the user's folders. */
  readonly env?: Environment | undefined
  readonly now: () => Date
  readonly actor: Actor
  /** Called with the progress of long work. */
  readonly onProgress?: ProgressListener | undefined
  /** Same checks, same result, but nothing is changed. */
  readonly dryRun: boolean
}

/** A `FileContext` to which the schedule of backups may still add where they go. */
export interface UnscheduledContext extends Omit<FileContext, 'backupDir'> {
  readonly backupDir?: string | undefined
}
