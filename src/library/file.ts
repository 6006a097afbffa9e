/** The database as a file: backups, restore, migrations. Types only; `src/operations/file` has the rules. */
import type {
  Backup,
  BackupCheck,
  BackupPruning,
  BackupSchedule,
  BackupStatus,
  CreatedBackup,
  DatabaseInfo,
  ListedBackup,
  Migrated,
  MigrationPlan,
  Optimized,
  Restorable,
  Restored,
  RestorePlan,
  SchemaCheck,
  SchemaEvent,
  SchemaState,
  Seeded,
  TransferredDatabase,
  Vacuumed,
} from '../contract/views.ts'
import type {
  ChooseBackup,
  ListBackups,
  PruneBackups,
  Restore,
  RunBackup,
  ScheduleBackups,
  StatusOptions,
  UnscheduleBackups,
  VerifyBackups,
} from '../operations/file/backup/input.ts'
import type {
  CopyDatabase,
  Migrate,
  PlanMigration,
  Query,
  TransferDatabase,
} from '../operations/file/input.ts'
import type { SeedOptions, SeedPart } from '../operations/seed/input.ts'

export type { KeepPolicy } from '../operations/file/backup/input.ts'

/** Copies of the database, each with a manifest, in a folder or in a bucket (`s3://bucket/prefix`). */
export interface Backups {
  /**
   * Copies the database while others write to it, and checks that the copy can be restored. A dry run makes and checks the
   * copy, then removes it.
   *
   * @throws busy, database_missing, database_foreign, corrupt, drift (no restore would take it), checksum (other bytes
   *   arrived in the bucket), partial (taken, but old ones were not pruned), disk_full, permission, config, invalid, usage
   * @example
   * const { path, sizeBytes } = await latchkey.backups.create({ reason: 'before the upgrade' })
   */
  readonly create: (options?: RunBackup) => Promise<CreatedBackup>
  /**
   * Backups, newest first. The default folder may be missing, a folder that is named may not.
   *
   * @throws not_found, permission, busy
   * @example
   * const backups = await latchkey.backups.list()
   */
  readonly list: (options?: ListBackups) => Promise<readonly ListedBackup[]>
  /**
   * One backup, by id, the first characters of the id, its file, or the latest.
   *
   * @throws not_found, ambiguous, corrupt, usage
   * @example
   * await latchkey.backups.create()
   * const backup = await latchkey.backups.get({ latest: true })
   */
  readonly get: (options: ChooseBackup) => Promise<Backup>
  /**
   * Restores backups into a private file and checks them there. Do not rely on a `failed` backup. An `aborted` one
   * could not be checked.
   *
   * @throws not_found, ambiguous, usage
   * @example
   * await latchkey.backups.create()
   * const [check] = await latchkey.backups.verify()
   */
  readonly verify: (options?: VerifyBackups) => Promise<readonly BackupCheck[]>
  /**
   * Removes backups that no rule keeps. Returns every backup with the reasons, newest first.
   *
   * @throws usage (no rules), not_found, busy, partial (some could not be removed), permission, invalid, conflict
   * @example
   * await latchkey.backups.create()
   * const decisions = await latchkey.backups.prune({ keep: { daily: 7, weekly: 4 } })
   */
  readonly prune: (options?: PruneBackups) => Promise<readonly BackupPruning[]>
  /**
   * What `prune` would do.
   *
   * @throws usage (no rules), not_found, permission, invalid
   * @example
   * await latchkey.backups.create()
   * const decisions = await latchkey.backups.planPrune({ keep: { last: 3 } })
   */
  readonly planPrune: (options?: PruneBackups) => Promise<readonly BackupPruning[]>
  /**
   * Whether there is a recent good backup: `fresh`, `stale` if none is recent enough, `failed` if any failed its last
   * verification or has a damaged manifest.
   *
   * @throws not_found, permission, busy
   * @example
   * const { status } = await latchkey.backups.status({ maxAgeMs: 26 * 3_600_000 })
   */
  readonly status: (options?: StatusOptions) => Promise<BackupStatus>
  /**
   * What `schedule` would write, without looking at the system.
   *
   * @throws invalid
   * @example
   * const { entries } = await latchkey.backups.planSchedule({
   *   cron: '17 3 * * *',
   *   command: ['/usr/local/bin/latchkey', 'backup', 'create'],
   *   folder: '/var/backups/latchkey',
   * })
   */
  readonly planSchedule: (job: ScheduleBackups) => Promise<BackupSchedule>
  /**
   * Schedules backups with cron or systemd. Replaces an earlier schedule of the same database.
   *
   * @throws invalid (the times), config (no crontab, no systemd, or it refuses), permission
   * @example
   * await latchkey.backups.schedule({ cron: 'no times', command: ['latchkey'], folder: '/' }).catch(console.log)
   */
  readonly schedule: (job: ScheduleBackups) => Promise<BackupSchedule>
  /**
   * Removes the schedules of this database, and returns them.
   *
   * @throws config, permission
   * @example
   * const dry = connectLatchkey({ path: latchkey.path, dryRun: true })
   * await dry.backups.unschedule({ manager: 'crontab' }).catch(console.log)
   * await dry.close()
   */
  readonly unschedule: (options?: UnscheduleBackups) => Promise<readonly BackupSchedule[]>
  /**
   * The backup that `restore` would use with the same options, and the secrets that would work again. To find these for
   * a whole database, the backup is fetched and verified.
   *
   * @throws as `restore`
   * @example
   * await latchkey.backups.create()
   * const { id, replaces } = await latchkey.backups.restorable({ latest: true })
   */
  readonly restorable: (options: Restore) => Promise<Restorable>
  /**
   * The same, as a plan that can be carried out once somebody has agreed. The unpacked copy is kept beside the database
   * until the plan is carried out or disposed of, for at most five minutes.
   *
   * @throws as `restore`
   * @example
   * await latchkey.backups.create()
   * const plan = await latchkey.backups.planRestore({ latest: true })
   * if (plan.shown.revived?.length === 0) await plan.restore()
   * plan[Symbol.dispose]()
   */
  readonly planRestore: (options: Restore) => Promise<RestorePlan>
  /**
   * Restores a verified backup. An existing database is backed up first (reason `pre-restore`), or moved aside if it is
   * damaged. With one thing, such as a key, only that is restored.
   *
   * @throws busy (names who has the database open), not_found, ambiguous, checksum, corrupt, schema_newer, drift,
   *   database_foreign, disk_full, permission, usage, conflict
   * @example
   * await latchkey.backups.create()
   * await latchkey.keys.delete('ci')
   * await latchkey.backups.restore({ latest: true, key: 'ci' })
   */
  readonly restore: (options: Restore) => Promise<Restored>
}

/** The schema of the database, and its migrations. */
export interface Migrations {
  /**
   * Which migrations the database has, and which this program has.
   *
   * @throws database_missing, database_foreign, corrupt
   * @example
   * const { current, latest } = await latchkey.migrations.state()
   */
  readonly state: () => Promise<SchemaState>
  /**
   * Checks the database as a whole: its history, its schema against that history, references, and the file itself.
   *
   * @throws database_missing, database_foreign, corrupt (it cannot even be opened)
   * @example
   * const { ok } = await latchkey.migrations.check()
   */
  readonly check: () => Promise<SchemaCheck>
  /**
   * What `migrate` would run with the same options, and what would be lost.
   *
   * @throws database_missing, database_foreign, schema_newer, drift, corrupt, usage, invalid
   * @example
   * const { steps } = await latchkey.migrations.plan()
   */
  readonly plan: (options?: PlanMigration) => Promise<MigrationPlan>
  /**
   * When the schema changed, newest first.
   *
   * @throws database_missing, database_foreign, corrupt
   * @example
   * const events = await latchkey.migrations.history()
   */
  readonly history: () => Promise<readonly SchemaEvent[]>
  /**
   * Migrates in one transaction, after checking the history, rehearsing all steps on a copy and taking a backup (reason
   * `pre-migrate`). Does nothing if there is nothing to do. Going down requires that no other process has the database
   * open.
   *
   * @throws busy, database_missing, database_foreign, schema_newer, drift, corrupt, disk_full, permission, usage, invalid
   * @example
   * const { steps } = await latchkey.migrations.migrate({ direction: 'up' })
   */
  readonly migrate: (options: Migrate) => Promise<Migrated>
}

/** The database file. */
export interface DatabaseFile {
  /**
   * Its path, its size, and the number of rows in each table.
   *
   * @throws database_missing, database_foreign, corrupt, permission
   * @example
   * const { sizeBytes } = await latchkey.database.info()
   */
  readonly info: () => Promise<DatabaseInfo>
  /**
   * The same as `migrations.check`.
   *
   * @throws database_missing, database_foreign, corrupt (it cannot even be opened)
   * @example
   * const { ok } = await latchkey.database.check()
   */
  readonly check: () => Promise<SchemaCheck>
  /**
   * Rewrites the file without its free pages. Other processes wait meanwhile.
   *
   * @throws busy, disk_full, database_missing, database_foreign, corrupt
   * @example
   * const { bytesBefore, bytesAfter } = await latchkey.database.vacuum()
   */
  readonly vacuum: () => Promise<Vacuumed>
  /**
   * Deletes expired sessions and verifications, and contents that no file has. Updates the statistics of the query planner, and
   * builds the index of words in messages again if it is damaged.
   *
   * @throws busy, database_missing, database_foreign, corrupt
   * @example
   * await latchkey.database.optimize()
   */
  readonly optimize: () => Promise<Optimized>
  /**
   * Writes made-up data in one transaction. Each part comes after those that it refers to.
   *
   * @throws conflict (the database has data)
   * @example
   * const at = Date.UTC(2026, 0, 1)
   * const id = 'usr_01kdw4x8007000000000000001'
   * const user = { is: 'user', id, at, username: 'ada', name: 'Ada', email: 'ada@example.org', isAdmin: true } as const
   * await latchkey.database.seed([user], { randomSeed: 42, force: true })
   */
  readonly seed: (parts: Iterable<SeedPart>, options: SeedOptions) => Promise<Seeded>
  /**
   * Runs one read-only statement, on a database of any schema version.
   *
   * @throws invalid (not one reading statement, or not SQL), database_missing, corrupt, busy
   * @example
   * const rows = await latchkey.database.query({ sql: 'SELECT name FROM keys WHERE name = :name', params: { name: 'ci' } })
   */
  readonly query: (query: Query) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * Writes the current state of the database to a new file, mode 0600, to look at or to try something on. It is not a
   * backup: it is not checked, listed or kept.
   *
   * @param copy `to` must not exist yet
   * @throws conflict (the file exists), database_missing, database_foreign, corrupt, disk_full, permission
   * @example
   * await latchkey.database.copy({ to: `${latchkey.path}.copy` })
   */
  readonly copy: (copy: CopyDatabase) => Promise<void>
  /**
   * Copies all rows of a database to another one, from SQLite to PostgreSQL or back, whatever this Latchkey is opened on. The
   * source may be in use. Every row is read back and compared.
   *
   * @param transfer with `rest`, brings over what has changed since an earlier copy
   * @throws usage, conflict (the target is not empty, or was changed since), database_missing, database_foreign, schema_older,
   *   schema_newer, busy, invalid (a text that PostgreSQL cannot store), disk_full, permission, corrupt
   * @example
   * await latchkey.database.transfer({ from: latchkey.path, to: 'postgres://latchkey@localhost/latchkey' })
   */
  readonly transfer: (transfer: TransferDatabase) => Promise<TransferredDatabase>
}
