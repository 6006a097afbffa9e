/** What operations on backups take. */

import { isAbsolute } from 'node:path'
import * as v from 'valibot'
import type { Noun } from '../../../contract/nouns.ts'
import { compressions, schedulers } from '../../../contract/views/words.ts'
import type { Backup, Compression, Scheduler } from '../../../contract/views.ts'
import { type Input, listOf, type Rule, reason } from '../../rules/input.ts'

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
  /** Of that many hours that have any, the newest one each. */
  hourly: v.optional(atLeastOne),
  /** The newest one of each of that many days that have any. */
  daily: v.optional(atLeastOne),
  /** Weeks of ISO 8601, from Monday. */
  weekly: v.optional(atLeastOne),
  /** The newest one of each of that many months that have any. */
  monthly: v.optional(atLeastOne),
  /** The newest one of each of that many years that have any. */
  yearly: v.optional(atLeastOne),
  /** All that are at most so many milliseconds older than the newest. */
  withinMs: v.optional(reach),
})
/** Which backups are kept, as it is configured or typed: how many of each; Infinity for all. */
export type KeepPolicy = Input<typeof keepPolicy>

const compression: Rule<Compression> = v.picklist(compressions, `must be one of ${compressions.join(', ')}`)

export const createBackupInput = v.object({
  /** A folder, created with mode 0700 if it is missing, or `s3://bucket/prefix`; default the context's. */
  to: v.optional(place),
  /** Why it is taken; default `manual`. */
  reason: v.optional(reason, 'manual'),
  /** Default zstd. */
  compression: v.optional(compression, 'zstd'),
  /** Refuses to take a backup that would not be encrypted. */
  encrypt: v.optional(v.boolean(), false),
  /** Age recipients, beside those of `recipientsFile`. */
  recipients: v.optional(listOf(v.string()), []),
  /** A file of age recipients; default the context's. */
  recipientsFile: v.optional(v.string()),
  /** Also compares every index of the copy with its table, which takes long; the backup then counts as verified. */
  full: v.optional(v.boolean(), false),
  /** Copies the file itself where the database has a quiet moment for it; not compacted, and faster. */
  fast: v.optional(v.boolean(), false),
})

interface Warned {
  /** Told of what is no failure and should be known. */
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
  /** How long to wait for another run to end, in milliseconds; default 0. */
  waitMs: v.optional(wait, 0),
  /** Told of the start, and of success or failure. */
  ping: v.optional(pingAddress),
  /** Afterwards removes what the context's policy does not keep. */
  prune: v.optional(v.boolean(), false),
  /** In which the policy counts days; default UTC. */
  timeZone: v.optional(v.string(), 'UTC'),
})

export type RunBackup = CreateBackup & Input<typeof runInput>

export const pruneInput = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** Default the context's. One that keeps nothing is refused. */
  keep: v.optional(keepPolicy),
  /** Ids of backups: when any other would be removed, none is. */
  only: v.optional(listOf(v.string())),
  /** In which days, weeks and years are counted; default UTC. */
  timeZone: v.optional(v.string(), 'UTC'),
  /** How long to wait for another run to end, in milliseconds; default 0. */
  waitMs: v.optional(wait, 0),
})
export type PruneBackups = Input<typeof pruneInput>

const age: Rule<number> = v.pipe(v.number(), v.minValue(1))

/** A daily backup, and two hours for it to run. */
export const defaultMaxAgeMs = 26 * 3_600_000

export const statusInput = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(place),
  /** The age from which the newest backup is stale, in milliseconds; default 26 hours. */
  maxAgeMs: v.optional(age, defaultMaxAgeMs),
})
export type StatusOptions = Input<typeof statusInput>

const manager: Rule<Scheduler> = v.picklist(schedulers, `must be one of ${schedulers.join(', ')}`)

const singleLine: Rule<string> = v.pipe(v.string(), v.regex(/^[^\n\r\0]*$/, 'must be one line'))
const absolute: Rule<string> = v.pipe(singleLine, v.check(isAbsolute, 'must be an absolute path'))
const words: Rule<readonly string[]> = v.pipe(v.array(singleLine), v.minLength(1))

export const scheduleInput = v.object({
  /** Five fields as in crontab(5), or `@daily` and the like. */
  cron: singleLine,
  /** What is run: the program, by absolute paths, and its arguments. */
  command: words,
  /** Where it is run, since `latchkey.toml` is looked for there. */
  folder: absolute,
  /** Default: crontab where there is one, else systemd. */
  manager: v.optional(manager),
  /** For crontab, where the output goes; default `latchkey/backup.log` in the user's folder of states. */
  log: v.optional(absolute),
  /** Variables for it, as `NAME=value` lines: credentials do not belong in a crontab. */
  envFile: v.optional(absolute),
  /** Where the command puts the backups, when that is not the context's place. */
  to: v.optional(singleLine),
  /** To whom the command encrypts them. */
  recipientsFile: v.optional(absolute),
})
export type ScheduleBackups = Input<typeof scheduleInput>

export interface UnscheduleBackups {
  /** Default: from both. */
  readonly manager?: Scheduler | undefined
}

export interface VerifyBackups {
  /** Which one: id, prefix, file name, path or `latest`. Default: the newest of this database. */
  readonly backup?: string | undefined
  /** Every backup of this database in the folder, broken manifests included. */
  readonly all?: boolean | undefined
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  readonly from?: string | undefined
  /** Only the hash of the bytes: finds rot, and proves no restore. */
  readonly quick?: boolean | undefined
  /** Age identities that open encrypted ones; default the context's. */
  readonly identityFile?: string | undefined
}

export interface ListBackups {
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  readonly from?: string | undefined
  /** Those of other databases as well. */
  readonly allDatabases?: boolean | undefined
  /** Told of every manifest that cannot be read: what it describes is not listed. */
  readonly onBroken?: ((broken: { readonly path: string; readonly problem: string }) => void) | undefined
  /** Told of the backups in the same place that are not listed because they are not of this database, if any. */
  readonly onOthers?: ((others: readonly Backup[]) => void) | undefined
}

export interface ChooseBackup {
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  readonly from?: string | undefined
  /** Id, prefix of an id, file name or path, of any database; or `latest`. */
  readonly backup?: string | undefined
  /** The newest one of this database that is not known to be bad. */
  readonly latest?: boolean | undefined
  /** Told of each newer backup that is passed over for the latest, and why. */
  readonly onWarning?: ((text: string) => void) | undefined
  /** Age identities that open an encrypted one; default the context's. */
  readonly identityFile?: string | undefined
}

export interface ChooseState extends ChooseBackup {
  /** The newest backup that had been taken by then. */
  readonly at?: Date | undefined
  /** The database as it was before the last restore. */
  readonly undo?: boolean | undefined
  /** The database to restore; default the context's. */
  readonly to?: string | undefined
}

/** The one thing to bring back, by its noun and what selects it in the backup; none means everything. */
export type OneThing = { readonly [N in Noun]?: string | undefined }

export interface Restore extends ChooseState, OneThing {
  /** Restores into a database that other processes have open: they go on, and see the restored rows. */
  readonly inPlace?: boolean | undefined
  /** Ends, in the same transaction, every secret that does not work now and would work again. */
  readonly keepRevocations?: boolean | undefined
  /** How long to wait for other runs, and for other processes to close the database, in milliseconds; default 0. */
  readonly waitMs?: number | undefined
}
