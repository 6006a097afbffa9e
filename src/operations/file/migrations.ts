/**
 * Migrates the schema up and down. Every step is tried on a copy first, and a backup is taken before anything changes.
 * Every function takes the list of migrations, by default the program's.
 */
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import type {
  Backup,
  Migrated,
  MigrationPlan,
  SchemaCheck,
  SchemaEvent,
  SchemaState,
} from '../../contract/views.ts'
import type { Client } from '../../db/sqlite/client.ts'
import { copyTo, openPrivate } from '../../db/sqlite/copy.ts'
import { translate } from '../../db/sqlite/errors.ts'
import { holdersOf, holdersText } from '../../db/sqlite/holders.ts'
import {
  findings,
  foreignKeyCheck,
  integrityCheck,
  lostBetween,
  requireSound,
  schemaDrift,
} from '../../db/sqlite/inspect.ts'
import {
  appliedMigrations,
  historyProblems,
  type MigrationRun,
  type MigrationStamp,
  migrateTo,
  requireHistory,
  stepsBetween,
} from '../../db/sqlite/migrate.ts'
import { type MigrationSource, migrations } from '../../db/sqlite/migrations.ts'
import { logDamage, openWriter, reading, requireWholeLog } from '../../db/sqlite/open.ts'
import { PrivateFile, requireSpace, sizeOf, sweep } from '../../system/files.ts'
import { programVersion } from '../../system/version.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { FileContext } from '../context.ts'
import { parse } from '../rules/input.ts'
import { safetyCopy } from './backup/create.ts'
import { withLock } from './backup/lock.ts'
import { recordInside } from './backup/trail.ts'
import { type AuditedMove, moveActions, schemaEvents } from './history.ts'
import { type Migrate, migrateInput, type PlanMigration } from './input.ts'
import { planned, stepStates, targetVersion } from './steps.ts'

type Sources = readonly MigrationSource[]

/**
 * Compares the migrations of the database with those of this program.
 *
 * @throws database_missing, database_foreign, corrupt
 */
export async function schemaState(context: FileContext, sources: Sources = migrations): Promise<SchemaState> {
  return reading(context.path, (client, { version }) => {
    const states = stepStates(appliedMigrations(client), sources)
    return { path: context.path, current: version, latest: sources.length, migrations: states }
  })
}

/**
 * Lists everything that is wrong with the database: its history, its schema against that history, every dangling
 * reference, and the file itself.
 *
 * @throws database_missing, database_foreign, corrupt (it cannot be opened)
 */
export async function checkSchema(context: FileContext, sources: Sources = migrations): Promise<SchemaCheck> {
  return reading(context.path, (client, { version }) => {
    type Problem = SchemaCheck['problems'][number]
    const check = (kind: Problem['kind'], find: () => readonly string[]): readonly Problem[] =>
      findings(find).map(found => ({ kind: found.damage ? 'integrity' : kind, detail: found.detail }))
    const history = check('history', () => historyFindings(client, version, sources))
    const problems = [
      ...history,
      // If the history differs, there is no schema to compare with.
      ...(history.length > 0 ? [] : check('schema', () => schemaDrift(client, version, sources))),
      ...check('foreign_key', () => foreignKeyCheck(client, 1_000)),
      ...check('integrity', () => [logDamage(context.path)?.message ?? [], integrityCheck(client)].flat()),
    ]
    return { path: context.path, ok: problems.length === 0, problems }
  })
}

/**
 * Returns what `migrate` would run with the same options, and what data that would lose, judging by the schemas. Only
 * reads.
 *
 * @throws database_missing, database_foreign, schema_newer, drift, corrupt, usage, invalid
 */
export async function planMigration(
  context: FileContext,
  input: PlanMigration = {},
  sources: Sources = migrations,
): Promise<MigrationPlan> {
  const { path } = context
  const down = input.to !== undefined && input.to < currentVersion(context, sources)
  const options = parse(migrateInput, { ...input, direction: input.direction ?? (down ? 'down' : 'up') })
  const { from, target: to } = targetOf(context, options, sources)
  const { direction } = options
  const steps = planned(stepsBetween(from, to, sources), direction)
  const lost = direction === 'up' ? {} : reading(path, client => lostBetween(client, from, to, sources))
  return { path, from, to, steps, lost }
}

/**
 * Lists schema changes, newest first, from the audit log and from the history of migrations.
 *
 * @throws database_missing, database_foreign, corrupt
 */
export async function migrationHistory(context: FileContext): Promise<readonly SchemaEvent[]> {
  return reading(context.path, client => schemaEvents(appliedMigrations(client), movesIn(client)))
}

function movesIn(client: Client): readonly AuditedMove[] {
  if (!client.hasTable('audit')) return []
  return client
    .query(
      `SELECT at, actor, action, "before", "after" FROM audit
       WHERE action IN (SELECT value FROM json_each(?)) ORDER BY rowid DESC`,
    )
    .all(JSON.stringify(moveActions)) as AuditedMove[]
}

/** Milliseconds to wait for other processes to close the database before a step down. */
const usersWaitMs = 5_000

/** Milliseconds to wait for another run. If two run at once, one migrates and the other finds it done. */
const lockWaitMs = 60_000

/**
 * Migrates. The history must match; all steps are rehearsed on a copy; a backup is taken (reason `pre-migrate`); then
 * they run in one transaction with their audit row. Does nothing if there is nothing to do. A dry run ends after the
 * rehearsal. Steps down need the database to be closed by all other processes.
 *
 * @throws busy, database_missing, database_foreign, schema_newer, drift, corrupt, disk_full, permission, usage, invalid
 */
export async function migrate(
  context: FileContext,
  input: Migrate,
  sources: Sources = migrations,
): Promise<Migrated> {
  const options = parse(migrateInput, input)
  const start = targetOf(context, options, sources)
  const run = () => migrateLocked(context, options.direction, start.target, sources)
  if (start.from === start.target)
    return { path: context.path, from: start.from, to: start.from, steps: [], backup: null, lost: {} }
  return withLock(context, context.backupDir, run, { waitMs: lockWaitMs })
}

async function migrateLocked(
  context: FileContext,
  direction: Migrate['direction'],
  target: number,
  sources: Sources,
): Promise<Migrated> {
  const { path } = context
  // Read again, because another run may have migrated while this one waited for the lock.
  const from = currentVersion(context, sources)
  const done = direction === 'up' ? from >= target : from <= target
  if (done) return { path, from, to: from, steps: [], backup: null, lost: {} }
  requireWholeLog(path)
  if (direction === 'down' && !context.dryRun) await requireUnused(path)
  const rehearsed = await rehearse(context, direction, target, sources)
  const backup = await safetyCopy(context, { reason: 'pre-migrate' })
  if (backup === null) return { path, ...rehearsed, backup }
  try {
    using client = openWriter(path)
    // Wait for other writers as long as every other write does.
    client.run('PRAGMA busy_timeout = 5000')
    const run = migrateTo(client, path, target, stampFor(context, client, direction, backup), sources)
    requireSound(client, path)
    return { path, ...run, backup: backup.id }
  } catch (error) {
    throw withBackup(failure(error, path), backup)
  }
}

/** A step down would remove what a running program expects. A step up removes nothing. */
async function requireUnused(path: string): Promise<void> {
  const deadline = performance.now() + usersWaitMs
  let holders = holdersOf(path)
  // Short commands end in a moment.
  while (holders.length > 0 && performance.now() < deadline) {
    await sleep(50)
    holders = holdersOf(path)
  }
  if (holders.length === 0) return
  throw new LatchkeyError(
    'busy',
    `${path} is in use by ${holdersText(holders)}, which needs the current schema; nothing was changed`,
    'stop it, then run the command again',
  )
}

/** Runs all steps on a private copy, so that failures are found before the database changes. */
async function rehearse(
  context: FileContext,
  direction: Migrate['direction'],
  target: number,
  sources: Sources,
): Promise<MigrationRun> {
  const folder = dirname(resolve(context.path))
  if (!context.dryRun) sweep(folder)
  requireSpace(folder, sizeOf(context.path) * 2)
  using copy = new PrivateFile(folder)
  copyTo(context.path, copy.path)
  using client = openPrivate(copy.path)
  try {
    const run = migrateTo(client, context.path, target, stampFor(context, client, direction, null), sources)
    requireSound(client, context.path)
    return run
  } catch (error) {
    throw failure(error, context.path)
  }
}

function stampFor(
  context: FileContext,
  client: Client,
  direction: Migrate['direction'],
  backup: Backup | null,
): MigrationStamp {
  return {
    now: context.now().getTime(),
    programVersion,
    direction,
    inside: run =>
      recordInside(context, client, {
        action: 'database.migrate',
        before: { schemaVersion: run.from },
        after: { schemaVersion: run.to, steps: run.steps, backup: backup?.id ?? null, lost: run.lost },
      }),
  }
}

function targetOf(context: FileContext, options: v.InferOutput<typeof migrateInput>, sources: Sources) {
  const from = currentVersion(context, sources)
  const told = `: versions are 0 to ${sources.length}, and the database has ${from}`
  return { from, target: targetVersion(options, from, { least: 0, latest: sources.length, told }) }
}

/** @throws drift, schema_newer, and what opening throws */
function currentVersion(context: FileContext, sources: Sources): number {
  return reading(context.path, (client, { version }) => {
    requireHistory(client, context.path, sources)
    return version
  })
}

function historyFindings(client: Client, version: number, sources: Sources): readonly string[] {
  const newer =
    version > sources.length
      ? [`schema version ${version} is newer than this program knows (${sources.length})`]
      : []
  return [...newer, ...historyProblems(appliedMigrations(client), version, sources)]
}

/** A failing statement is a bug in the migration, reported with SQLite's message. */
function failure(error: unknown, path: string): unknown {
  const known = translate(error, path)
  if (known instanceof LatchkeyError || !codeOf(known).startsWith('SQLITE_') || !(known instanceof Error))
    return known
  return new LatchkeyError(
    'unexpected',
    `a migration of ${path} failed: ${known.message}; nothing was changed`,
    'look for bad rows with: latchkey migrate check; if there are none, report this as a bug in Latchkey',
    { cause: known },
  )
}

function withBackup(error: unknown, backup: Backup): unknown {
  if (!(error instanceof LatchkeyError)) return error
  const hint = `${error.hint}; to go back to the backup taken before: ${lineOf('restore', backup.id)}`
  return new LatchkeyError(error.code, error.message, hint, { cause: error })
}
