/** Backups, and what is restored from them. */
import { byPlural, nouns } from '../nouns.ts'
import {
  as,
  choice,
  extend,
  flag,
  integer,
  list,
  mapOf,
  nullable,
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { auditHead } from './audit.ts'
import { holder, keyRef } from './refs.ts'
import { compressions, revivals, schedulers } from './words.ts'

const origin = object('BackupOrigin', {
  id: nullable(text('dbs_ and 26 characters; the same in all copies of a database')),
  host: text('The machine it was taken on'),
  path: text('Where the database was'),
})

export const backup = object('Backup', {
  id: text('bak_ and a time-sorted id'),
  path: text('The file'),
  location: text('Its folder, or s3://bucket/prefix'),
  createdAt: time('When the copy was taken'),
  database: nullable(as(origin, 'The database it is a copy of; null if an older Latchkey made it')),
  reason: text('manual, schedule, pre-restore, pre-migrate or your own text'),
  sizeBytes: integer('Size of the file'),
  rawSizeBytes: integer('Size of the database inside'),
  sha256: text('SHA-256 of the file, in hex'),
  compression: choice(compressions, 'How it is compressed'),
  encrypted: flag('Whether it is encrypted'),
  schemaVersion: integer('Schema version of the database inside'),
  programVersion: text('Version of Latchkey that made it'),
  rows: mapOf(integer('Rows'), 'Rows per table'),
  auditHead: nullable(
    as(
      auditHead,
      'The last row of the audit log, for audit verify --against; null if an older Latchkey made it',
    ),
  ),
  verifiedAt: nullable(time('When it last passed a verification')),
  failedAt: nullable(time('When its last verification failed; null when that passed')),
  problem: nullable(text('What that verification found')),
})

export const createdBackup = extend('CreatedBackup', backup, {
  pruned: list(text('Id of a backup'), 'Backups that were removed after this one was taken'),
})

export const listedBackup = extend('ListedBackup', backup, {
  own: flag('Whether it is a backup of this database'),
})

export const backupPruning = object('BackupPruning', {
  id: text('Id of the backup'),
  path: text('The file'),
  createdAt: time('When the copy was taken'),
  reason: text('Why it was taken'),
  sizeBytes: integer('Size of the file'),
  outcome: choice(['kept', 'removed'], 'Whether it is kept or removed'),
  because: list(text('A reason'), 'Every rule that keeps it, or why none does'),
})

export const backupStatus = object('BackupStatus', {
  location: text('The folder or bucket that was checked'),
  status: choice(
    ['fresh', 'stale', 'failed'],
    'failed: a backup failed its last verification, or is dated in the future',
  ),
  problem: nullable(text('What is wrong')),
  mend: nullable(text('How to fix it')),
  newest: nullable(as(backup, 'The newest backup of this database that is not known to be damaged')),
  ageMs: nullable(integer('Age of the newest backup in milliseconds')),
  maxAgeMs: integer('Age in milliseconds from which it is stale'),
})

export const backupSchedule = object('BackupSchedule', {
  manager: choice(schedulers, 'What runs the backup'),
  name: text('The name that marks the entry as made by Latchkey'),
  cron: nullable(text('When, as five cron fields; null when the entry was removed')),
  nextRun: nullable(time('When it runs next')),
  log: nullable(text('Where its output goes; null is the journal of systemd')),
  entries: list(
    object('ScheduleEntry', {
      path: nullable(text('The file; null is the crontab of the user')),
      content: text('Its content'),
    }),
    'What was written or removed',
  ),
  changed: flag('Whether anything was written or removed'),
})

export const backupCheck = object('BackupCheck', {
  id: text('Id of the backup'),
  path: text('The file'),
  outcome: choice(['passed', 'failed', 'aborted'], 'aborted: it could not be checked'),
  problem: nullable(text('What is wrong with it')),
  checkedAt: time('When it was checked'),
  unrecorded: nullable(text('Why the manifest was not updated; null when it was, or did not need to be')),
})

export const changes = object('Changes', {
  added: list(text('A name'), 'In the backup, but not in the current database'),
  removed: list(text('A name'), 'In the current database, but not in the backup'),
  changed: list(text('A name'), 'In both, but different in more than their usage'),
})

export const revivedSecret = object('RevivedSecret', {
  key: as(keyRef, 'The key it belongs to, as in the backup'),
  start: text('First characters of the secret'),
  because: choice(
    revivals,
    'Why it does not work before the restore; missing: the database has no such secret',
  ),
  ended: flag('Whether it stays ended, because revocations were kept'),
})

export const restored = object('Restored', {
  path: text('The restored database'),
  backup: as(backup, 'What it was restored from'),
  safetyBackup: nullable(as(backup, 'Safety copy of the database before; null when nothing was readable')),
  movedAside: list(text('A file'), 'Files of a damaged database that were moved aside'),
  schemaVersion: integer('Schema version after the restore'),
  rows: mapOf(integer('Rows'), 'Rows per table after the restore'),
  before: nullable(mapOf(integer('Rows'), 'Rows per table before; null when nothing was readable')),
  changes: nullable(
    as(
      object(
        'RestoredNames',
        byPlural(noun => as(changes, `The ${nouns[noun].plural}, by ${nouns[noun].label}`)),
      ),
      'What differs, by name; null when nothing was readable',
    ),
  ),
  openBy: list(holder, 'Other processes that had the database open'),
  only: nullable(text('The one thing that was restored, such as key ci; null for the whole database')),
  stays: list(
    text('Such as key ci: disabled, scopes'),
    'Restrictions made since the backup that stay, and what is left out',
  ),
  revived: nullable(
    list(
      revivedSecret,
      'Secrets that start to work again through the restore; null for one thing, or when nothing was readable',
    ),
  ),
})

export type Backup = Of<typeof backup>
export type ListedBackup = Of<typeof listedBackup>
export type CreatedBackup = Of<typeof createdBackup>
export type BackupPruning = Of<typeof backupPruning>
export type BackupStatus = Of<typeof backupStatus>
export type BackupSchedule = Of<typeof backupSchedule>
export type BackupCheck = Of<typeof backupCheck>
export type Changes = Of<typeof changes>
export type Restored = Of<typeof restored>
export type RevivedSecret = Of<typeof revivedSecret>
/** What a restore would use and do, to be confirmed. */
export interface Restorable extends Backup {
  /** The name of the file in whose place it would come; null where there is none. */
  readonly replaces: string | null
  /** Whether it is known to be of another database than the one in whose place it would come. */
  readonly foreign: boolean
  /** The one thing whose return would be undone, such as `key ci`; null for a whole database. */
  readonly undoes: string | null
  /** As a restore tells. */
  readonly revived: Restored['revived']
}

/** A restore that was tried, and what it would do. Until its end the copy that was unpacked lies beside the database. */
export interface RestorePlan extends Disposable {
  /** What it would use and do. */
  readonly shown: Restorable
  /**
   * Does what was shown, once.
   *
   * @throws as `restore` of the library
   */
  readonly restore: () => Promise<Restored>
}
