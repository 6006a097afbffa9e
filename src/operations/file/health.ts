/** Checks the health of the database. Changes nothing. */
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { HealthReport } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { Client } from '../../db/sqlite/client.ts'
import { databaseOn } from '../../db/sqlite/drizzle.ts'
import { translate } from '../../db/sqlite/errors.ts'
import { holdersOf, holdersText } from '../../db/sqlite/holders.ts'
import {
  findings,
  foreignKeyCheck,
  inSnapshot,
  quickCheck,
  schemaDrift,
  tryWrite,
} from '../../db/sqlite/inspect.ts'
import { appliedMigrations, historyProblems } from '../../db/sqlite/migrate.ts'
import { identify, logDamage, openReader } from '../../db/sqlite/open.ts'
import { freeBytes, sidecars, sizeOf, statOf } from '../../system/files.ts'
import { shellWord } from '../../text/shell-word.ts'
import type { Followed } from '../audit/follow.ts'
import { followNewest } from '../audit/verify.ts'
import type { FileContext } from '../context.ts'
import { differences } from '../usage/reconcile.ts'
import { checkAuditChain, manifestsIn } from './audit-chain.ts'
import { defaultMaxAgeMs } from './backup/input.ts'
import { surveyOnce } from './backup/list.ts'
import type { OwnSurvey } from './backup/ownership.ts'
import { locate } from './backup/places/locate.ts'
import { statusOf } from './backup/status.ts'
import { type Check, checkTotals, checkVersion, failed, ok, reportOn, skipped, warning } from './check.ts'

/**
 * Runs nine checks. A check that cannot run because an earlier one failed is `skipped`.
 *
 * @throws database_missing
 */
export async function checkHealth(context: FileContext): Promise<HealthReport> {
  const path = resolve(context.path)
  // Fails with the usual error if there is no file.
  if (!isFile(path)) openReader(path).close()
  const survey = surveyOnce(() => context)
  return reportOn(path, await healthChecks(context, { damageOf: quickCheck, follow: followNewest, survey }))
}

/** How thorough the checks are. */
interface Means {
  /** The integrity check to use. */
  readonly damageOf: (client: Client) => readonly string[]
  /** Looks at the audit log, or a part of it. */
  readonly follow: (db: Database) => Promise<Followed>
  /** Finds the backups. */
  readonly survey: () => Promise<OwnSurvey>
}

export async function healthChecks(context: FileContext, means: Means): Promise<readonly Check[]> {
  const path = resolve(context.path)
  return [
    ...(await checkDatabase(path, means)),
    ...(isFile(path)
      ? [checkPermissions(path), checkSpace(path)]
      : [skipped('permissions'), skipped('disk_space')]),
    await checkLastBackup(() => context, means.survey),
  ]
}

const isFile = (path: string): boolean => statOf(path)?.isFile() === true

/** Below this, any write may fail. */
const leastFreeBytes = 4 * 1_048_576
const fewFreeBytes = 100 * 1_048_576

async function checkDatabase(path: string, means: Means): Promise<readonly Check[]> {
  try {
    using client = openReader(path)
    const { version } = identify(client)
    const reachable = ok('reachable', { sizeBytes: sizeOf(path) })
    const schema = checkVersion(
      version,
      () => [...historyProblems(appliedMigrations(client), version), ...schemaDrift(client, version)],
      restoring,
    )
    const log = logDamage(path)
    if (log !== undefined) {
      const integrity = failed('integrity', { damage: [log.message] }, log.message, log.hint)
      return [reachable, skipped('writable'), schema, integrity, skipped('usage'), skipped('audit')]
    }
    const integrity = checkIntegrity(client, means.damageOf)
    const sound = schema.status === 'ok' && integrity.status === 'ok'
    const usage = sound ? checkTotals(await differences(databaseOn(client))) : skipped('usage')
    const audit = sound ? await checkAudit(client, means) : skipped('audit')
    return [reachable, checkWritable(path), schema, integrity, usage, audit]
  } catch (error) {
    const known = translate(error, path)
    if (!(known instanceof LatchkeyError)) throw known
    const { message, hint } = known
    const checks = (['reachable', 'writable', 'schema', 'integrity', 'usage', 'audit'] as const).map(skipped)
    if (!isFile(path)) return checks.with(0, failed('reachable', null, message, hint))
    const reachable = ok('reachable', { sizeBytes: sizeOf(path) })
    if (known.code === 'corrupt')
      return checks.with(0, reachable).with(3, failed('integrity', null, message, hint))
    if (known.code === 'database_foreign')
      return checks.with(0, reachable).with(2, failed('schema', null, message, hint))
    return checks.with(0, failed('reachable', null, message, hint))
  }
}

async function checkAudit(client: Client, { follow, survey }: Means): Promise<Check> {
  const manifests = await manifestsIn(survey)
  return inSnapshot(client, () => checkAuditChain(databaseOn(client), follow, manifests))
}

function checkWritable(path: string): Check {
  try {
    tryWrite(path)
    return ok('writable', null)
  } catch (error) {
    const known = translate(error, path)
    if (!(known instanceof LatchkeyError)) throw known
    if (known.code !== 'busy') return failed('writable', null, known.message, known.hint)
    const holders = holdersOf(path)
    const who = holdersText(holders)
    return warning(
      'writable',
      { holders },
      `another process is writing${who === '' ? '' : `: one of ${who}`}`,
      'wait until it is done, or see who it is with: latchkey db info',
    )
  }
}

const restoring = ', or go back with: latchkey restore --latest'

function checkIntegrity(client: Client, damageOf: (client: Client) => readonly string[]): Check {
  const damage = findings(() => [...damageOf(client), ...foreignKeyCheck(client)]).map(found => found.detail)
  const [first] = damage
  if (first === undefined) return ok('integrity', null)
  return failed('integrity', { damage }, first, `see all problems with: latchkey migrate check${restoring}`)
}

/** Files that other users can read, and a folder in which they could replace them. */
function checkPermissions(path: string): Check {
  const folder = dirname(path)
  const modeOf = (file: string): number => (statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777
  const files = [path, ...sidecars.map(suffix => path + suffix)].filter(file => modeOf(file) & 0o077)
  const open = modeOf(folder) & 0o022 ? [...files, folder] : files
  if (open.length === 0) return ok('permissions', null)
  const value = Object.fromEntries(open.map(file => [file, modeOf(file).toString(8).padStart(4, '0')]))
  const problems = [
    ...(files.length > 0 ? [`other users can read ${files.join(', ')}`] : []),
    ...(open.length > files.length ? [`other users can write to ${folder}`] : []),
  ]
  // Do not suggest chmod for a shared folder such as /tmp.
  const shared = (modeOf(folder) & 0o1000) !== 0
  const mends = [
    ...(files.length > 0 ? [`chmod 0600 ${files.map(shellWord).join(' ')}`] : []),
    ...(open.length > files.length
      ? [shared ? 'move the database to a folder of its own' : `chmod go-w ${shellWord(folder)}`]
      : []),
  ]
  return warning('permissions', value, problems.join('; '), mends.join('; '))
}

function checkSpace(path: string): Check {
  const folder = dirname(path)
  const freeBytesNow = freeBytes(folder)
  const databaseBytes = sizeOf(path) + sizeOf(`${path}-wal`)
  const value = { freeBytes: freeBytesNow, databaseBytes }
  if (freeBytesNow < Math.max(databaseBytes, leastFreeBytes)) {
    return failed('disk_space', value, `${folder} has no space for a copy of the database`, 'free some space')
  }
  return freeBytesNow < Math.max(2 * databaseBytes, fewFreeBytes)
    ? warning('disk_space', value, `${folder} is nearly full`, 'free some space')
    : ok('disk_space', value)
}

/** @param files may throw, which is a finding. @param survey finds the backups */
export async function checkLastBackup(
  files: () => FileContext,
  survey: () => Promise<OwnSurvey>,
): Promise<Check> {
  try {
    const context = files()
    const location = locate(context, context.backupDir).address
    const asked = { location, maxAgeMs: defaultMaxAgeMs + 1, now: context.now() }
    const { newest, ageMs, problem, mend } = statusOf(await survey(), asked)
    const value = newest === null ? null : { ageMs, id: newest.id }
    return problem === null
      ? ok('last_backup', value)
      : warning('last_backup', value, problem, mend ?? 'list them with: latchkey backup list')
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    return warning('last_backup', null, error.message, error.hint)
  }
}
