/**
 * Runs migrations: whole steps in one transaction, after comparing every applied step by hash. Foreign keys are turned
 * off outside the transaction, because SQLite ignores the setting inside it, and rebuilding a parent table would delete
 * its children. The caller takes a backup first.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { many } from '../../text/quantity.ts'
import { type AppliedMigration, drifted, stepProblem } from '../history.ts'
import type { Client } from './client.ts'
import { lostBetween, rowCounts } from './inspect.ts'
import { applySource, declared, type MigrationSource, migrations } from './migrations.ts'
import { applicationId, identify, newer } from './open.ts'
import { dropUnsealed } from './unsealed.ts'

export interface MigrationRun {
  readonly from: number
  readonly to: number
  /** Names of the steps, in order. */
  readonly steps: readonly string[]
  /** The number of lost rows by table, and of lost values by `table.column`. */
  readonly lost: Readonly<Record<string, number>>
}

const historyTable = `CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  applied_at INTEGER NOT NULL,
  program_version TEXT NOT NULL
) STRICT`

/** The history of a database, oldest first; empty before its first migration. */
export function appliedMigrations(client: Client): readonly AppliedMigration[] {
  if (!client.hasTable('migrations')) return []
  return client
    .query(
      'SELECT version, name, hash, applied_at AS appliedAt, program_version AS programVersion FROM migrations ORDER BY version',
    )
    .all() as AppliedMigration[]
}

/** Problems of a history: edited, missing, unknown or out-of-order steps, one sentence each. */
export function historyProblems(
  applied: readonly AppliedMigration[],
  version: number,
  sources: readonly MigrationSource[] = migrations,
): readonly string[] {
  const problems = applied.flatMap((step, index) => {
    const source = sources[index]
    if (step.version !== index + 1) return [`migration ${index + 1} is missing from the history`]
    if (!source) return [] // Newer than this program: said elsewhere.
    return stepProblem(step, source) ?? []
  })
  return applied.length === version
    ? problems
    : [
        ...problems,
        `the header says schema version ${version}, the history has ${many(applied.length, 'step')}`,
      ]
}

/** Who migrates and when, and what is committed with it. */
export interface MigrationStamp {
  /** Milliseconds. */
  readonly now: number
  readonly programVersion: string
  /** If given, a database that another process has already migrated as far or further stays unchanged. */
  readonly direction?: 'up' | 'down'
  /** Runs inside the transaction after the steps, if there were any. Writes the audit row. */
  readonly inside?: (run: MigrationRun) => void
}

/**
 * Moves the schema to version `target`, up or down, in one transaction. If another process did it first, nothing is
 * run. After any failure the database is unchanged.
 *
 * Going up, no table may lose rows, unless a step says so in a leading comment: `-- loses: table, table`, or that it keeps
 * them elsewhere: `-- moves: table`.
 *
 * @throws drift, schema_newer, corrupt, usage, invalid
 */
export function migrateTo(
  client: Client,
  path: string,
  target: number,
  stamp: MigrationStamp,
  sources: readonly MigrationSource[] = migrations,
): MigrationRun {
  if (!Number.isInteger(target) || target < 0 || target > sources.length) {
    throw new LatchkeyError(
      'usage',
      `there is no schema version ${target}: they go from 0 to ${sources.length}`,
      'list them with: latchkey migrate status',
    )
  }
  client.run('PRAGMA foreign_keys = OFF')
  try {
    client.run('BEGIN IMMEDIATE')
    try {
      const run = migrateInside(client, path, target, stamp, sources)
      client.run('COMMIT')
      return run
    } catch (error) {
      if (client.inTransaction) client.run('ROLLBACK')
      throw error
    }
  } finally {
    client.run('PRAGMA foreign_keys = ON')
  }
}

function migrateInside(
  client: Client,
  path: string,
  target: number,
  stamp: MigrationStamp,
  sources: readonly MigrationSource[],
): MigrationRun {
  const { version: from } = identify(client)
  requireHistory(client, path, sources)
  const done =
    stamp.direction === 'up' ? from >= target : stamp.direction === 'down' ? from <= target : from === target
  if (done) return { from, to: from, steps: [], lost: {} }
  client.run(historyTable)
  const up = from < target
  const steps = stepsBetween(from, target, sources)
  if (!up) dropUnsealed(client)
  const before = rowCounts(client)
  const going = up ? {} : lostBetween(client, from, target, sources)
  for (const step of steps) {
    if (up) stepUp(client, step, stamp)
    else stepDown(client, step)
  }
  requireNoOrphans(client, path)
  const after = rowCounts(client)
  const moved = steps.flatMap(step => declared('moves', up ? step.up : step.down))
  const gone = fallen(before, after, moved)
  if (up) requireNoLoss(gone, before, after, steps)
  client.run(`PRAGMA application_id = ${applicationId}`)
  client.run(`PRAGMA user_version = ${target}`)
  const lost = { ...going, ...gone }
  const run = { from, to: target, steps: steps.map(step => step.name), lost }
  stamp.inside?.(run)
  return run
}

function requireNoOrphans(client: Client, path: string): void {
  const orphan = client.query('SELECT "table", parent FROM pragma_foreign_key_check LIMIT 1').get() as {
    table: string
    parent: string
  } | null
  if (!orphan) return
  throw new LatchkeyError(
    'corrupt',
    `migrating ${path} would leave rows of ${orphan.table} that point at no ${orphan.parent}; nothing was changed`,
    'list them with: latchkey migrate check',
  )
}

/** Otherwise a step that rebuilds a table and forgets rows would pass all checks. */
function requireNoLoss(
  gone: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  steps: readonly MigrationSource[],
): void {
  const known = new Set(steps.flatMap(step => declared('loses', step.up)))
  const lost = Object.keys(gone).filter(table => !known.has(table))
  if (lost.length === 0) return
  const tables = lost.map(table => `${table} (${before[table]} to ${after[table] ?? 0})`).join(', ')
  throw new LatchkeyError(
    'invalid',
    `migrating would lose rows that no migration says it loses: ${tables}; nothing was changed`,
    'this is a mistake in the migration: report it, or declare the loss in its first line with: -- loses: TABLE',
  )
}

/** How many rows each table has lost. The history of migrations does not count. */
function fallen(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  moved: readonly string[],
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(before)
      .map(([table, rows]) => [table, rows - (after[table] ?? 0)] as const)
      .filter(([table, rows]) => rows > 0 && table !== 'migrations' && !moved.includes(table)),
  )
}

/** The steps from one version to another, in order. */
export function stepsBetween(
  from: number,
  to: number,
  sources: readonly MigrationSource[] = migrations,
): readonly MigrationSource[] {
  return from < to ? sources.slice(from, to) : sources.slice(to, from).toReversed()
}

/** @throws drift, schema_newer */
export function requireHistory(
  client: Client,
  path: string,
  sources: readonly MigrationSource[] = migrations,
): void {
  const { version } = identify(client)
  if (version > sources.length) throw newer(path, version)
  const [problem] = historyProblems(appliedMigrations(client), version, sources)
  if (problem !== undefined) throw drifted(path, problem)
}

function stepUp(client: Client, step: MigrationSource, stamp: MigrationStamp): void {
  applySource(client, step.up)
  client
    .query('INSERT INTO migrations (version, name, hash, applied_at, program_version) VALUES (?, ?, ?, ?, ?)')
    .run(step.version, step.name, step.hash, stamp.now, stamp.programVersion)
}

function stepDown(client: Client, step: MigrationSource): void {
  applySource(client, step.down)
  client.query('DELETE FROM migrations WHERE version = ?').run(step.version)
}
