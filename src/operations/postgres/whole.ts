/**
 * What works on a whole database on a PostgreSQL server: making its tables, migrating them, and checks. What only a file can
 * do is refused by `instead.ts`. Loaded for the URL of a server alone.
 */
import type {
  Initialized,
  Migrated,
  MigrationPlan,
  SchemaCheck,
  SchemaEvent,
  SchemaState,
} from '../../contract/views.ts'
import type { Connection } from '../../db/postgres/connection.ts'
import { historyProblems, migrateTo } from '../../db/postgres/migrate.ts'
import { migrations } from '../../db/postgres/migrations.ts'
import { requireOurs, schemaOf } from '../../db/postgres/schema.ts'
import { latestVersion } from '../../db/schema/version.ts'
import { programVersion } from '../../system/version.ts'
import { safetyCopy } from '../file/backup/create.ts'
import { withLock } from '../file/backup/lock.ts'
import { type AuditedMove, moveActions, schemaEvents } from '../file/history.ts'
import type { Migrate, NewDatabase, PlanMigration } from '../file/input.ts'
import { newDatabase } from '../file/input.ts'
import { planned, stepStates, targetVersion } from '../file/steps.ts'
import { createUser } from '../people/users.ts'
import { newId } from '../rules/ids.ts'
import { parse } from '../rules/input.ts'
import { connected, type ServerContext } from './connected.ts'
import { migrateDown, stepsDown } from './files/down.ts'
import { note } from './note.ts'

export { checkHealth, diagnose } from './health.ts'

/**
 * Makes the tables in an empty database, which must exist.
 *
 * @throws invalid, conflict (it has them), database_foreign (it has others), database_missing, permission, busy
 */
export async function initialize(context: ServerContext, input: NewDatabase = {}): Promise<Initialized> {
  const { admin: username } = parse(newDatabase, input)
  const { path, dryRun, now, actor } = context
  await migrateUp(context, 'empty', latestVersion, null)
  const done = { path, schemaVersion: latestVersion }
  if (username === undefined) return { ...done, user: null }
  if (dryRun) return { ...done, user: { id: newId('usr', now()), username } }
  const { id } = await createUser({ store: context.store, now, actor }, { username, role: 'admin' })
  return { ...done, user: { id, username } }
}

/** @throws database_missing, database_foreign, busy, permission */
export function schemaState(context: ServerContext): Promise<SchemaState> {
  return connected(context, async connection => {
    const { version, applied } = requireOurs(await schemaOf(connection), connection.name)
    const states = stepStates(applied, migrations)
    return { path: context.path, current: version, latest: latestVersion, migrations: states }
  })
}

/** The history of migrations; references and types are kept by the server itself. @throws as `schemaState` */
export function checkSchema(context: ServerContext): Promise<SchemaCheck> {
  return connected(context, async connection => {
    const { applied } = requireOurs(await schemaOf(connection), connection.name)
    const problems = historyProblems(applied).map(detail => ({ kind: 'history' as const, detail }))
    return { path: context.path, ok: problems.length === 0, problems }
  })
}

/** What steps down would lose is seen by taking them on a copy. @throws as `migrate` */
export async function planMigration(
  context: ServerContext,
  input: PlanMigration = {},
): Promise<MigrationPlan> {
  const { current } = await schemaState(context)
  const down =
    input.direction === 'down' || (input.direction === undefined && (input.to ?? current) < current)
  const target = targetOf({ ...input, direction: down ? 'down' : 'up' }, current)
  const plan = { path: context.path, from: current, to: target }
  if (!down) {
    const steps = migrations.filter(({ version }) => version > current && version <= target)
    return { ...plan, steps: planned(steps, 'up'), lost: {} }
  }
  const { lost } = await migrateDown(context, target, { ...context.files(), dryRun: true })
  return { ...plan, steps: stepsDown(current, target), lost }
}

/**
 * Migrates in one transaction that waits for writers, after a backup (reason `pre-migrate`). Does nothing if there is nothing to
 * do. Steps down need everybody else to be disconnected.
 *
 * @throws busy, drift, schema_newer, database_missing, database_foreign, usage, permission, disk_full
 */
export async function migrate(context: ServerContext, input: Migrate): Promise<Migrated> {
  const { current: from } = await schemaState(context)
  const target = targetOf(input, from)
  const files = context.files()
  const run = async (): Promise<Migrated> => {
    // Another run may have migrated while this one waited.
    const { current } = await schemaState(context)
    if (input.direction === 'up' ? current >= target : current <= target) return nothing(context, current)
    if (input.direction === 'down') {
      // Otherwise it is taken of the rows that the step changes.
      if (files.dryRun) await safetyCopy(files, { reason: 'pre-migrate' })
      return migrateDown(context, target, files)
    }
    const backup = await safetyCopy(files, { reason: 'pre-migrate' })
    const done = await migrateUp(context, 'ours', target, backup?.id ?? null)
    return { path: context.path, ...done, backup: backup?.id ?? null, lost: {} }
  }
  if (from === target) return nothing(context, from)
  return withLock(files, files.backupDir, run, { waitMs: lockWaitMs })
}

/** Milliseconds to wait for another run. */
const lockWaitMs = 60_000

const nothing = ({ path }: ServerContext, version: number): Migrated => ({
  path,
  from: version,
  to: version,
  steps: [],
  backup: null,
  lost: {},
})

/** @throws as `schemaState` */
export function migrationHistory(context: ServerContext): Promise<readonly SchemaEvent[]> {
  return connected(context, async connection => {
    const { applied } = requireOurs(await schemaOf(connection), connection.name)
    const moves = await connection.rows<AuditedMove>(
      'SELECT at, actor, action, before, after FROM audit WHERE action = ANY($1::text[]) ORDER BY at DESC, id DESC',
      [moveActions],
    )
    return schemaEvents(applied, moves)
  })
}

async function migrateUp(
  context: ServerContext,
  on: 'empty' | 'ours',
  target: number,
  backup: string | null,
) {
  const { now, dryRun, busyTimeoutMs } = context
  return connected(context, connection =>
    migrateTo(connection, target, {
      now: now().getTime(),
      programVersion,
      on,
      dryRun,
      waitMs: busyTimeoutMs,
      inside: async ({ from, to, steps }) => {
        if (on === 'empty') {
          const id = await note(context, connection, {
            action: 'database.init',
            after: { schemaVersion: to },
          })
          await giveIdentity(connection, id, now().getTime())
        } else {
          const after = { schemaVersion: to, steps, backup, lost: {} }
          const before = { schemaVersion: from }
          await note(context, connection, { action: 'database.migrate', before, after })
        }
      },
    }),
  )
}

/** As on SQLite, from the first audit row. */
async function giveIdentity(connection: Connection, auditId: string, at: number): Promise<void> {
  const id = auditId.replace(/^aud_/, 'dbs_')
  await connection.run('INSERT INTO identity (single, id, created_at) VALUES (1, $1, $2)', [id, at])
}

function targetOf(input: Migrate, current: number): number {
  const least = migrations[0]?.version ?? 0
  const told = ` on PostgreSQL: they go from ${least} to ${latestVersion}`
  return targetVersion(input, current, { least, latest: latestVersion, told })
}
