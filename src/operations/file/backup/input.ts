/** Inputs of the operations on backups. */

import { isAbsolute } from 'node:path'
import * as v from 'valibot'
import type { Noun } from '../../../contract/nouns.ts'
import { compressions, schedulers } from '../../../contract/views/words.ts'
import type { Backup, Compression, Scheduler } from '../../../contract/views.ts'
import { among, type Input, instant, listOf, type Rule, reason } from '../../rules/input.ts'

const place: Rule<string> = v.pipe(v.string(), v.minLength(1, 'must not be empty'))

const wait: Rule<number> = v.pipe(v.number(), v.minValue(0))

const atLeastOne: Rule<number> = v.pipe(
  v.number('must be a number'),
  v.minValue(1, 'must be at least 1'),
  v.check(n => n === Number.POSITIVE_INFINITY || Number.isSafeInteger(n), 'must be a whole number'),
)

const reach: Rule<number> = v.pipe(v.number('must be a number'), v.minValue(1, 'must be at least 1 ms'))

export const keepPolicy = v.object({
  /** The newest ones. */
  last: v.optional(atLeastOne),
  /** The newest one of each of that many hours that have any. */
  hourly: v.optional(atLeastOne),
  /** The newest one of each of that many days that have any. */
  daily: v.optional(atLeastOne),
  /** The same for ISO 8601 weeks, which begin on Monday. */
  weekly: v.optional(atLeastOne),
  /** The newest one of each of that many months that have any. */
  monthly: v.optional(atLeastOne),
  /** The newest one of each of that many years that have any. */
  yearly: v.optional(atLeastOne),
  /** All that are at most this many milliseconds older than the newest. */
  withinMs: v.optional(reach),
})
/** A retention policy: how many to keep of each kind; Infinity for all. */
export type KeepPolicy = Input<typeof keepPolicy>

const compression: Rule<Compression> = among(compressions)

export const createBackupInput = v.object({
  /** A folder, created with mode 0700 if it is missing, or `s3://bucket/prefix`; default the context's. */
  to: v.optional(place),
  /** Why it is taken; default `manual`. */
  reason: v.optional(reason, 'manual'),
  /** Default zstd. */
  compression: v.optional(compression, 'zstd'),
  /** Fail if the backup would not be encrypted. */
  encrypt: v.optional(v.boolean(), false),
  /** Age recipients, in addition to those in `recipientsFile`. */
  recipients: v.optional(listOf(v.string()), []),
  /** A file of age recipients; default the context's. */
  recipientsFile: v.optional(v.string()),
  /** Also compare every index of the copy with its table. Slow; the backup then counts as verified. */
  full: v.optional(v.boolean(), false),
  /** Copy the file itself if the database is idle long enough. Faster, but not compacted. */
  fast: v.optional(v.boolean(), false),
})

interface Warned {
  /** Called with each warning. */
  readonly onWarning?: ((text: string) => void) | undefined
}

export type CreateBackup = Input<typeof createBackupInput> & Warned

const pingAddress: Rule<string> = v.pipe(
  v.string(),
  v.check(
    text => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'must be an address that begins with http:// or https://',
  ),
)

export const runInput = v.object({
  /** Milliseconds to wait for another run to end; default 0. */
  waitMs: v.optional(wait, 0),
  /** A monitor to notify of the start, and of success or failure. */
  ping: v.optional(pingAddress),
  /** Afterwards remove backups that the context's policy does not keep. */
  prune: v.optional(v.boolean(), false),
  /** Time zone in which the policy counts days; default UTC. */
  timeZone: v.optional(v.string(), 'UTC'),
})

export type RunBackup = CreateBackup & Input<typeof runInput>

export const pruneInput = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** Default the context's. Must keep at least one backup. */
  keep: v.optional(keepPolicy),
  /** Ids of the backups that may go. If any other would be removed, none is. */
  only: v.optional(listOf(v.string())),
  /** Time zone in which days, weeks and years are counted; default UTC. */
  timeZone: v.optional(v.string(), 'UTC'),
  /** Milliseconds to wait for another run to end; default 0. */
  waitMs: v.optional(wait, 0),
})
export type PruneBackups = Input<typeof pruneInput>

const age: Rule<number> = v.pipe(v.number(), v.minValue(1))

/** One day between backups, and two hours for one to run. */
export const defaultMaxAgeMs = 26 * 3_600_000

export const statusInput = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** The age from which the newest backup is stale, in milliseconds; default 26 hours. */
  maxAgeMs: v.optional(age, defaultMaxAgeMs),
})
export type StatusOptions = Input<typeof statusInput>

const manager: Rule<Scheduler> = among(schedulers)

const singleLine: Rule<string> = v.pipe(v.string(), v.regex(/^[^\n\r\0]*$/, 'must be one line'))
const absolute: Rule<string> = v.pipe(singleLine, v.check(isAbsolute, 'must be an absolute path'))
const words: Rule<readonly string[]> = v.pipe(v.array(singleLine), v.minLength(1))

export const scheduleInput = v.object({
  /** Five fields as in crontab(5), or `@daily` and the like. */
  cron: singleLine,
  /** The program, by absolute paths, and its arguments. */
  command: words,
  /** The working directory; `latchkey.toml` is looked up there. */
  folder: absolute,
  /** Default: crontab if installed, else systemd. */
  manager: v.optional(manager),
  /** Log file, for crontab; default `latchkey/backup.log` in the user's state folder. */
  log: v.optional(absolute),
  /** A file of `NAME=value` lines with environment variables, so that no credentials are in the crontab. */
  envFile: v.optional(absolute),
  /** Where the command puts the backups, if not the context's place. */
  to: v.optional(singleLine),
  /** The recipients the command encrypts to. */
  recipientsFile: v.optional(absolute),
})
export type ScheduleBackups = Input<typeof scheduleInput>

export const unscheduleInput = v.object({
  /** Default: both. */
  manager: v.optional(manager),
})
export type UnscheduleBackups = Input<typeof unscheduleInput>

export const verifyInput = v.object({
  /** An id, prefix of an id, file name, path or `latest`. Default: the newest of this database. */
  backup: v.optional(v.string()),
  /** All backups of this database, and broken manifests. */
  all: v.optional(v.boolean(), false),
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** Only check the hash of the bytes: finds changed bytes, but does not prove that it can be restored. */
  quick: v.optional(v.boolean(), false),
  /** Age identity file for encrypted ones; default the context's. */
  identityFile: v.optional(v.string()),
})
export type VerifyBackups = Input<typeof verifyInput>

export const listInput = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** Include backups of other databases. */
  allDatabases: v.optional(v.boolean(), false),
})
export interface ListBackups extends Input<typeof listInput> {
  /** Called for every unreadable manifest. Its backup is not listed. */
  readonly onBroken?: ((broken: { readonly path: string; readonly problem: string }) => void) | undefined
  /** Called with the backups of other databases in the same place, which are not listed, if there are any. */
  readonly onOthers?: ((others: readonly Backup[]) => void) | undefined
}

export const chosenBackup = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** An id, prefix of an id, file name or path, of any database; or `latest`. */
  backup: v.optional(v.string()),
  /** The newest one of this database without known problems. */
  latest: v.optional(v.boolean()),
  /** Age identity file for an encrypted one; default the context's. */
  identityFile: v.optional(v.string()),
})
export interface ChooseBackup extends Input<typeof chosenBackup> {
  /** Called with each newer backup that `latest` skips, and why. */
  readonly onWarning?: ((text: string) => void) | undefined
}

export const chosenState = v.object({
  /** The newest backup taken at or before this time. */
  at: v.optional(instant),
  /** The database as it was before the last restore. */
  undo: v.optional(v.boolean()),
  /** The database to restore; default the context's. */
  to: v.optional(v.string()),
})
export interface ChooseState extends ChooseBackup, Input<typeof chosenState> {}

/** The one thing to bring back: its noun and a selector within the backup. None means everything. */
export type OneThing = { readonly [N in Noun]?: string | undefined }

export const restoring = v.object({
  /** Restore while other processes have the database open. They keep running and see the restored rows. */
  inPlace: v.optional(v.boolean()),
  /** End, in the same transaction, every secret that does not work now but would work after the restore. */
  keepRevocations: v.optional(v.boolean()),
  /** Milliseconds to wait for other runs, and for other processes to close the database; default 0. */
  waitMs: v.optional(wait),
})
export interface Restore extends ChooseState, OneThing, Input<typeof restoring> {}
