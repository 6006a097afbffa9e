/**
 * What works on a whole database on a PostgreSQL server: making its tables, migrating them, and checks. What only a file can
 * do is refused by `instead.ts`. Loaded for the URL of a server alone.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type {
  Initialized,
  Migrated,
  MigrationPlan,
  SchemaCheck,
  SchemaEvent,
  SchemaState,
} from '../../contract/views.ts'
import { headOf } from '../../db/postgres/chain.ts'
import type { Connection } from '../../db/postgres/connection.ts'
import { historyProblems, migrateTo } from '../../db/postgres/migrate.ts'
import { migrations } from '../../db/postgres/migrations.ts'
import { requireOurs, schemaOf } from '../../db/postgres/schema.ts'
import { latestVersion } from '../../db/schema/version.ts'
import { programVersion } from '../../system/version.ts'
import { auditColumns, type Event } from '../audit.ts'
import type { Migrate, NewDatabase, PlanMigration } from '../file/input.ts'
import { newDatabase } from '../file/input.ts'
import { shownSql, stepStates } from '../file/steps.ts'
import { createUser } from '../people/users.ts'
import { newId } from '../rules/ids.ts'
import { parse } from '../rules/input.ts'
import { connected, type ServerContext } from './connected.ts'

export { checkHealth, diagnose } from './health.ts'

/**
 * Makes the tables in an empty database, which must exist.
 *
 * @throws invalid, conflict (it has them), database_foreign (it has others), database_missing, permission, busy
 */
export async function initialize(context: ServerContext, input: NewDatabase = {}): Promise<Initialized> {
  const { admin: username } = parse(newDatabase, input)
  const { path, dryRun, now, actor } = context
  await migrateUp(context, 'empty', latestVersion)
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

/** @throws as `migrate` */
export async function planMigration(
  context: ServerContext,
  input: PlanMigration = {},
): Promise<MigrationPlan> {
  const target = targetVersion({ direction: 'up', ...input })
  const { current } = await schemaState(context)
  requireUp(current, target)
  const steps = migrations.filter(({ version }) => version > current && version <= target)
  return {
    path: context.path,
    from: current,
    to: target,
    steps: steps.map(({ version, name, up }) => ({
      version,
      name,
      direction: 'up',
      sql: shownSql(up),
    })),
    lost: {},
  }
}

/**
 * Migrates up, in one transaction that waits for writers. Takes no backup: `pg_dump` does.
 *
 * @throws busy, drift, schema_newer, database_missing, database_foreign, usage, permission
 */
export async function migrate(context: ServerContext, input: Migrate): Promise<Migrated> {
  const target = targetVersion(input)
  const { current } = await schemaState(context)
  requireUp(current, target)
  const { from, to, steps } = await migrateUp(context, 'ours', target)
  return { path: context.path, from, to, steps, backup: null, lost: {} }
}

/** @throws as `schemaState` */
export function migrationHistory(context: ServerContext): Promise<readonly SchemaEvent[]> {
  return connected(context, async connection => {
    const { applied } = requireOurs(await schemaOf(connection), connection.name)
    const actors = await connection.rows<{ at: number; actor: string }>(
      "SELECT at, actor FROM audit WHERE action IN ('database.init', 'database.migrate')",
    )
    const runs = [...Map.groupBy(applied, step => step.appliedAt)]
    return runs
      .map(([at, steps], index): SchemaEvent => {
        const from = runs[index - 1]?.[1].at(-1)?.version ?? 0
        return {
          at: new Date(at),
          event: from === 0 ? 'init' : 'up',
          from,
          to: steps.at(-1)?.version ?? from,
          steps: from === 0 ? [] : steps.map(({ name }) => name),
          actor: actors.find(row => row.at === at)?.actor ?? null,
          backup: null,
          programVersion: steps[0]?.programVersion ?? null,
        }
      })
      .toReversed()
  })
}

async function migrateUp(context: ServerContext, on: 'empty' | 'ours', target: number) {
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
          const after = { schemaVersion: to, steps, backup: null, lost: {} }
          const before = { schemaVersion: from }
          await note(context, connection, { action: 'database.migrate', before, after })
        }
      },
    }),
  )
}

/** Writes an audit row about the database. Returns its id. */
async function note(
  context: ServerContext,
  connection: Connection,
  event: Omit<Event, 'target'>,
): Promise<string> {
  const [, name = ''] = /\/([^/]*)$/.exec(context.path) ?? []
  const target = { type: 'database', id: name, name: null }
  const row = auditColumns(context, { ...event, target }, await headOf(connection))
  const names = Object.keys(row)
  await connection.run(
    `INSERT INTO audit (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  )
  return String(row['id'])
}

/** As on SQLite, from the first audit row. */
async function giveIdentity(connection: Connection, auditId: string, at: number): Promise<void> {
  const id = auditId.replace(/^aud_/, 'dbs_')
  await connection.run('INSERT INTO identity (single, id, created_at) VALUES (1, $1, $2)', [id, at])
}

function targetVersion({ direction, to, steps }: Migrate): number {
  if (direction === 'down') {
    throw new LatchkeyError(
      'invalid',
      'on PostgreSQL the schema only goes up',
      'go back by restoring what pg_dump wrote before the migration: docs/postgres.md',
    )
  }
  if (steps !== undefined) {
    throw new LatchkeyError(
      'usage',
      'on PostgreSQL a number of steps cannot be given',
      'give a version with --to, or neither for the newest',
    )
  }
  const target = to ?? latestVersion
  if (target === 0 || migrations.some(({ version }) => version === target)) return target
  throw new LatchkeyError(
    'usage',
    `there is no schema version ${target} on PostgreSQL: they go from ${migrations[0]?.version} to ${latestVersion}`,
    'list them with: latchkey migrate status',
  )
}

function requireUp(current: number, target: number): void {
  if (target >= current) return
  throw new LatchkeyError(
    'usage',
    `the database has schema version ${current}: up does not lead to ${target}`,
    'on PostgreSQL the schema only goes up; go back by restoring what pg_dump wrote before: docs/postgres.md',
  )
}
