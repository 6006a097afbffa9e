/** Checks what matters of a database on a PostgreSQL server, and of the server itself. Changes nothing. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { HealthReport } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { Connection } from '../../db/postgres/connection.ts'
import { translate } from '../../db/postgres/errors.ts'
import { historyProblems } from '../../db/postgres/migrate.ts'
import { connectionsOf } from '../../db/postgres/pool.ts'
import { type OurSchema, requireOurs, schemaOf } from '../../db/postgres/schema.ts'
import { targetOf } from '../../db/postgres/url.ts'
import type { Followed } from '../audit/follow.ts'
import { followAll, followNewest } from '../audit/verify.ts'
import type { FileContext } from '../context.ts'
import { checkAuditChain, manifestsIn } from '../file/audit-chain.ts'
import { surveyOnce } from '../file/backup/list.ts'
import type { OwnSurvey } from '../file/backup/ownership.ts'
import {
  type Check,
  checkSettings,
  checkTotals,
  checkVersion,
  failed,
  ok,
  reportOn,
  skipped,
  warning,
} from '../file/check.ts'
import { checkLastBackup } from '../file/health.ts'
import type { Diagnosis } from '../file/input.ts'
import { checkAgeFiles, checkBackups } from '../file/surroundings.ts'
import { unpricedModels } from '../file/unpriced.ts'
import { differences } from '../usage/reconcile.ts'
import { connected, type ServerContext } from './connected.ts'

/**
 * Runs seventeen checks. One that cannot run because an earlier one failed is `skipped`, as are those of files.
 *
 * @throws database_missing (there are no tables)
 */
export async function checkHealth(context: ServerContext): Promise<HealthReport> {
  return reportOn(context.path, await healthChecks(context, followNewest, surveyOnce(context.files)))
}

/** The same, the settings, models without a price, and what surrounds the database. Never stops early. */
export async function diagnose(
  context: ServerContext,
  { settings = [] }: Diagnosis = {},
): Promise<HealthReport> {
  const files = () => ({ ...context.files(), dryRun: true })
  const survey = surveyOnce(files)
  try {
    const checks = await healthChecks(context, db => followAll(db, context), survey)
    const isSound = checks.some(({ name, status }) => name === 'schema' && status === 'ok')
    const prices = isSound
      ? await context.store.read(db => unpricedModels(db, context.now()))
      : skipped('prices')
    const around = isSound ? await surroundings(files, survey) : aroundNames.map(skipped)
    return reportOn(context.path, [checkSettings(settings), ...checks, prices, ...around])
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    return reportOn(context.path, [checkSettings(settings), ...unreachable(error)])
  }
}

const aroundNames = ['age_files', 'schedule', 'backup_bytes'] as const

async function surroundings(files: () => FileContext, survey: Survey): Promise<readonly Check[]> {
  const checks = await checkBackups(files, survey)
  try {
    return [checkAgeFiles(files()), ...checks]
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    return [skipped('age_files'), ...checks]
  }
}

const names = [
  'writable',
  'schema',
  'integrity',
  'usage',
  'audit',
  'permissions',
  'disk_space',
  'last_backup',
  'clock',
  'version',
  'locale',
  'connections',
  'transactions',
  'replication',
  'bloat',
  'tls',
] as const

const unreachable = ({ message, hint }: LatchkeyError): readonly Check[] => [
  failed('reachable', null, message, hint),
  ...names.map(skipped),
]

type Follow = (db: Database) => Promise<Followed>
type Survey = () => Promise<OwnSurvey>

/** @param follow looks at the audit log, or a part of it. @param survey finds the backups */
async function healthChecks(
  context: ServerContext,
  follow: Follow,
  survey: Survey,
): Promise<readonly Check[]> {
  try {
    return await connected(context, async connection => {
      const schema = requireOurs(await schemaOf(connection), connection.name)
      return await checksOf(context, connection, schema, follow, survey)
    })
  } catch (error) {
    const known = translate(error, context.path)
    if (!(known instanceof LatchkeyError) || known.code === 'database_missing') throw known
    return unreachable(known)
  }
}

async function checksOf(
  context: ServerContext,
  connection: Connection,
  { version, applied }: OurSchema,
  follow: Follow,
  survey: Survey,
): Promise<readonly Check[]> {
  const [server] = await connection.rows<Server>(serverFacts)
  if (server === undefined) throw new Error('the server said nothing of itself')
  const schema = checkVersion(version, () => historyProblems(applied))
  return [
    ok('reachable', { sizeBytes: server.sizeBytes }),
    writable(server),
    schema,
    skipped('integrity'),
    schema.status === 'ok' ? checkTotals(await context.store.read(differences)) : skipped('usage'),
    schema.status === 'ok' ? await audit(context, follow, survey) : skipped('audit'),
    skipped('permissions'),
    skipped('disk_space'),
    await checkLastBackup(context.files, survey),
    await clock(context, connection),
    serverVersion(server),
    locale(server),
    connections(context, server),
    transactions(server),
    await replication(connection),
    await bloat(connection),
    tls(context, server),
  ]
}

async function audit(context: ServerContext, follow: Follow, survey: Survey): Promise<Check> {
  const manifests = await manifestsIn(survey)
  return context.store.read(db => checkAuditChain(db, follow, manifests))
}

interface Server {
  readonly sizeBytes: number
  readonly version: string
  readonly number: number
  readonly encoding: string
  readonly collated: string | null
  readonly isStandby: boolean
  readonly readOnly: string
  readonly mayWrite: boolean
  readonly mostConnections: number
  readonly usedConnections: number
  readonly encrypted: boolean | null
  readonly oldestMs: number | null
  readonly oldestPid: number | null
  readonly oldestName: string | null
}

/** One row, of which each value is a number, a text or a truth. */
const serverFacts = `SELECT
  pg_database_size(current_database()) AS "sizeBytes",
  current_setting('server_version') AS version,
  current_setting('server_version_num')::int AS number,
  pg_encoding_to_char(encoding)::text AS encoding,
  (SELECT string_agg(attrelid::regclass || '.' || attname, ', ' ORDER BY 1)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_collation l ON l.oid = attcollation
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 AND collname <> 'C'
      AND relname IN ('audit', 'keys', 'projects', 'secrets', 'series', 'users')) AS collated,
  pg_is_in_recovery() AS "isStandby",
  current_setting('transaction_read_only') AS "readOnly",
  (SELECT bool_and(has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
      AND has_table_privilege(oid, 'DELETE'))
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r') AS "mayWrite",
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    AS "mostConnections",
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS "usedConnections",
  (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
  (extract(epoch FROM clock_timestamp() - oldest.xact_start) * 1000)::bigint AS "oldestMs",
  oldest.pid AS "oldestPid",
  oldest.application_name AS "oldestName"
FROM pg_database LEFT JOIN (
  SELECT pid, xact_start, application_name FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
  ORDER BY xact_start LIMIT 1
) AS oldest ON true
WHERE datname = current_database()`

function writable({ isStandby, readOnly, mayWrite }: Server): Check {
  if (isStandby) {
    return failed(
      'writable',
      null,
      'the server is a standby, which only reads',
      'name the primary in the URL',
    )
  }
  if (readOnly === 'on') {
    return failed(
      'writable',
      null,
      'transactions only read by default',
      'set default_transaction_read_only to off for this role',
    )
  }
  return mayWrite
    ? ok('writable', null)
    : failed(
        'writable',
        null,
        'this role may not change all tables',
        'use the role that ran latchkey init, or grant it: docs/postgres.md',
      )
}

/** Windows are decided by the clocks of every machine that has a gateway. */
const toleratedSkewMs = 2000

async function clock({ now }: ServerContext, connection: Connection): Promise<Check> {
  const before = performance.now()
  const [row] = await connection.rows<{ at: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at',
  )
  const tripMs = performance.now() - before
  const differenceMs = Math.round(Math.max(0, Math.abs((row?.at ?? 0) - now().getTime()) - tripMs))
  const value = { now: now().toISOString(), differenceMs }
  return differenceMs <= toleratedSkewMs
    ? ok('clock', value)
    : warning(
        'clock',
        value,
        `the clocks of this machine and of the server differ by ${(differenceMs / 1000).toFixed(1)} s`,
        'set both, for example with: timedatectl set-ntp true',
      )
}

const triedVersion = 150_000

const serverVersion = ({ version, number }: Server): Check =>
  number >= triedVersion
    ? ok('version', version)
    : warning('version', version, 'Latchkey is tried with PostgreSQL 15 and later', 'upgrade the server')

function locale({ encoding, collated }: Server): Check {
  if (encoding !== 'UTF8') {
    return failed(
      'locale',
      { encoding },
      `the database stores text as ${encoding}`,
      'make one with createdb --encoding=UTF8 --template=template0, and move there',
    )
  }
  return collated === null
    ? ok('locale', { encoding })
    : failed(
        'locale',
        { encoding, columns: collated },
        `these columns are not ordered by bytes: ${collated}`,
        'somebody changed them; restore what pg_dump wrote before',
      )
}

function connections({ url }: ServerContext, { mostConnections, usedConnections }: Server): Check {
  const needed = connectionsOf(targetOf(url))
  const value = { most: mostConnections, used: usedConnections, needed }
  if (mostConnections < needed) {
    return failed(
      'connections',
      value,
      `the server takes ${mostConnections} connections, and one Latchkey may use ${needed}`,
      'raise max_connections of the server, or lower pool= in the URL',
    )
  }
  return mostConnections - usedConnections >= needed
    ? ok('connections', value)
    : warning(
        'connections',
        value,
        `${usedConnections} of ${mostConnections} connections are in use, and one more Latchkey may need ${needed}`,
        'raise max_connections of the server, or lower pool= in the URL',
      )
}

const longMs = 5 * 60_000

function transactions({ oldestMs, oldestPid, oldestName }: Server): Check {
  if (oldestMs === null || oldestMs < longMs) return ok('transactions', { oldestMs: oldestMs ?? 0 })
  return warning(
    'transactions',
    { oldestMs, pid: oldestPid, application: oldestName },
    `process ${oldestPid} (${oldestName || 'unnamed'}) has had a transaction open for ${Math.round(oldestMs / 60_000)} minutes, which keeps deleted rows`,
    `end it in psql, if nobody needs it: SELECT pg_terminate_backend(${oldestPid})`,
  )
}

/** Four segments of the log: a standby that keeps up is never so far behind. */
const farBehindBytes = 64 * 1_048_576

interface Follower {
  readonly name: string
  readonly isSlot: boolean
  readonly behindBytes: number
}

/** The least that each standby has of the log, and each slot that nobody reads. On a standby itself: none. */
const followers = `
  WITH log AS MATERIALIZED (SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_lsn() END AS at)
  SELECT coalesce(nullif(application_name, ''), client_addr::text, 'unnamed') AS name, false AS "isSlot",
    pg_wal_lsn_diff(log.at, coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn))::bigint AS "behindBytes"
  FROM log, pg_stat_replication WHERE coalesce(replay_lsn, flush_lsn, write_lsn, sent_lsn) IS NOT NULL AND log.at IS NOT NULL
  UNION ALL
  SELECT slot_name::text, true, pg_wal_lsn_diff(log.at, restart_lsn)::bigint
  FROM log, pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL AND log.at IS NOT NULL
  ORDER BY 3 DESC`

async function replication(connection: Connection): Promise<Check> {
  const found = await connection.rows<Follower>(followers)
  const [last] = found
  const value = {
    standbys: found.filter(({ isSlot }) => !isSlot).length,
    behindBytes: last?.behindBytes ?? 0,
  }
  if (last === undefined || last.behindBytes < farBehindBytes) return ok('replication', value)
  const size = `${Math.round(last.behindBytes / 1_048_576)} MiB`
  return last.isSlot
    ? warning(
        'replication',
        { ...value, slot: last.name },
        `nobody reads the replication slot ${last.name}, and the server keeps ${size} of its log for it`,
        `start its standby, or drop it in psql: SELECT pg_drop_replication_slot('${last.name}')`,
      )
    : warning(
        'replication',
        { ...value, standby: last.name },
        `the standby ${last.name} is ${size} of the log behind: a failover now would lose that`,
        'look at the log of the standby, and at the network between the two',
      )
}

/** A few deleted rows are usual; more than this, and more than there are rows, means that nothing frees them. */
const fewDeadRows = 50_000
/** PostgreSQL stops taking writes at two billion, and warns late. */
const oldTransactions = 1_500_000_000

async function bloat(connection: Connection): Promise<Check> {
  const [worst] = await connection.rows<{ name: string; dead: number; live: number; age: number }>(`
    SELECT relname::text AS name, n_dead_tup AS dead, n_live_tup AS live,
      (SELECT age(datfrozenxid)::bigint FROM pg_database WHERE datname = current_database()) AS age
    FROM pg_stat_user_tables WHERE schemaname = current_schema() ORDER BY n_dead_tup DESC LIMIT 1`)
  if (worst === undefined) return ok('bloat', null)
  const { name, dead, live, age } = worst
  const value = { table: name, deadRows: dead, rows: live, transactionAge: age }
  if (age > oldTransactions) {
    return warning(
      'bloat',
      value,
      `the oldest row is ${age} transactions old, and the server stops at two billion`,
      'end old transactions, then run in psql: VACUUM FREEZE',
    )
  }
  return dead <= Math.max(fewDeadRows, live)
    ? ok('bloat', value)
    : warning(
        'bloat',
        value,
        `the table ${name} holds ${dead} deleted rows for ${live} that are there: autovacuum does not free them`,
        `see that autovacuum is on, and free them now in psql: VACUUM ${name}`,
      )
}

function tls({ url }: ServerContext, { encrypted }: Server): Check {
  const { isNear, sslMode } = targetOf(url)
  if (encrypted !== true) {
    return isNear
      ? ok('tls', { encrypted: false })
      : warning(
          'tls',
          { encrypted: false },
          'passwords and keys cross the network unencrypted',
          'use sslmode=verify-full in the URL',
        )
  }
  return sslMode === 'require' && !isNear
    ? warning(
        'tls',
        { encrypted: true },
        'the certificate of the server is not checked',
        'use sslmode=verify-full in the URL, with sslrootcert=FILE for your own authority',
      )
    : ok('tls', { encrypted: true })
}
