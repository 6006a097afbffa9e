/**
 * Runs migrations: all steps in one transaction that no writer and no other run is beside. Applied steps are compared by hash
 * first.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { type AppliedMigration, chainsAudit, drifted, stepProblem } from '../history.ts'
import { chainRows } from './chain.ts'
import type { Connection } from './connection.ts'
import { lockWrites, retryDeadlocks } from './locks.ts'
import { type MigrationSource, migrations } from './migrations.ts'
import { foreign, newer, requireOurs, type Schema, schemaOf } from './schema.ts'

const historyTable = `CREATE TABLE migrations (
  version bigint PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  hash text COLLATE "C" NOT NULL CHECK (length(hash) = 64),
  applied_at bigint NOT NULL,
  program_version text COLLATE "C" NOT NULL
)`

/** Differences between the steps of a database and those of this program, one sentence each. */
export function historyProblems(
  applied: readonly AppliedMigration[],
  sources: readonly MigrationSource[] = migrations,
): readonly string[] {
  return applied.flatMap((step, index) => {
    const source = sources[index]
    if (source === undefined) return [] // Newer than this program: said elsewhere.
    if (step.version !== source.version) return [`migration ${source.name} is missing from the history`]
    return stepProblem(step, source) ?? []
  })
}

export interface MigrationRun {
  readonly from: number
  readonly to: number
  /** Names of the steps, in order. */
  readonly steps: readonly string[]
}

/** Who migrates and when, and what is committed with it. */
export interface MigrationStamp {
  /** Milliseconds. */
  readonly now: number
  readonly programVersion: string
  /** Whether the database must be empty, or must be Latchkey's. */
  readonly on: 'empty' | 'ours'
  readonly dryRun: boolean
  /** How long the run waits for writers and for other runs, in milliseconds. */
  readonly waitMs: number
  /** Runs inside the transaction after the steps, if there were any. Writes the audit row. */
  readonly inside: (run: MigrationRun) => Promise<void>
}

/**
 * Runs the steps that are missing, up to `target`. If another process did it first, nothing is run. After any failure the
 * database is unchanged.
 *
 * @throws busy, drift, schema_newer, database_missing, database_foreign, conflict (it must be empty and is ours), permission
 */
export function migrateTo(
  connection: Connection,
  target: number,
  stamp: MigrationStamp,
  sources: readonly MigrationSource[] = migrations,
): Promise<MigrationRun> {
  const run = async (): Promise<MigrationRun> => {
    await connection.run(`SET LOCAL lock_timeout = ${stamp.waitMs}`)
    await connection.run(lockWrites)
    const applied = appliedIn(await schemaOf(connection), stamp.on, connection.name)
    requireHistory(applied, connection.name, sources)
    const done = await stepsUp(connection, applied.at(-1)?.version ?? 0, target, stamp, sources)
    if (done.steps.length > 0) await stamp.inside(done)
    return done
  }
  return retryDeadlocks(() => connection.inTransaction('BEGIN', run, stamp.dryRun ? 'ROLLBACK' : 'COMMIT'))
}

/** Runs the steps after version `from` in the transaction of the caller, who has the lock of all writes. */
export async function stepsUp(
  connection: Connection,
  from: number,
  target: number,
  stamp: Pick<MigrationStamp, 'now' | 'programVersion'>,
  sources: readonly MigrationSource[] = migrations,
): Promise<MigrationRun> {
  const steps = sources.filter(({ version }) => version > from && version <= target)
  if (from === 0 && steps.length > 0) await connection.script(historyTable)
  for (const step of steps) await apply(connection, step, stamp)
  return { from, to: steps.at(-1)?.version ?? from, steps: steps.map(({ name }) => name) }
}

/** Drops these tables, the history and what they need, in the transaction of the caller, who has the lock of all writes. */
export async function dropSchema(connection: Connection, tables: readonly string[]): Promise<void> {
  const [found] = await connection.rows<{ routines: string }>(
    `SELECT string_agg(oid::regprocedure::text, ', ') AS routines FROM pg_proc
      WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'latchkey\\_%'`,
  )
  await connection.run(`DROP TABLE ${[...tables, 'migrations'].map(name => `"${name}"`).join(', ')}`)
  await connection.run(`DROP ROUTINE ${found?.routines}`)
}

function appliedIn(schema: Schema, on: MigrationStamp['on'], name: string): readonly AppliedMigration[] {
  if (on === 'ours') return requireOurs(schema, name).applied
  if (schema.is === 'foreign') throw foreign(name)
  if (schema.is === 'empty') return []
  throw new LatchkeyError(
    'conflict',
    `${name} already has a Latchkey, and init never touches an existing one`,
    'check it with: latchkey health, or name another database with --db',
  )
}

/** @throws drift, schema_newer */
function requireHistory(
  applied: readonly AppliedMigration[],
  name: string,
  sources: readonly MigrationSource[] = migrations,
): void {
  const version = applied.at(-1)?.version ?? 0
  if (version > (sources.at(-1)?.version ?? 0)) throw newer(name, version)
  const [problem] = historyProblems(applied, sources)
  if (problem !== undefined) throw drifted(name, problem)
}

async function apply(
  connection: Connection,
  step: MigrationSource,
  stamp: Pick<MigrationStamp, 'now' | 'programVersion'>,
): Promise<void> {
  for (const [index, script] of step.up.split(chainsAudit).entries()) {
    if (index > 0) await chainRows(connection)
    await connection.script(script)
  }
  await connection.run(
    'INSERT INTO migrations (version, name, hash, applied_at, program_version) VALUES ($1, $2, $3, $4, $5)',
    [step.version, step.name, step.hash, stamp.now, stamp.programVersion],
  )
}
