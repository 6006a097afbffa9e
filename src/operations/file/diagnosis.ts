/**
 * Runs the checks of `health.ts` thoroughly, and checks what surrounds the database. Changes nothing and never stops
 * early: if something cannot be checked, that is the finding.
 */
import { resolve } from 'node:path'
import type { LatchkeyError } from '../../contract/errors.ts'
import type { HealthReport } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { desc } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { databaseOn } from '../../db/sqlite/drizzle.ts'
import { integrityCheck } from '../../db/sqlite/inspect.ts'
import { openReader, requireCurrent } from '../../db/sqlite/open.ts'
import { sizeOf } from '../../system/files.ts'
import { besideIt, usualBackupDir, withSchedule } from '../../system/scheduled.ts'
import { followAll } from '../audit/verify.ts'
import type { FileContext, UnscheduledContext } from '../context.ts'
import { surveyOnce } from './backup/list.ts'
import { type Check, checkSettings, ok, reportOn, skipped, warning } from './check.ts'
import { healthChecks } from './health.ts'
import type { Diagnosis } from './input.ts'
import { checkAgeFiles, checkBackups, known } from './surroundings.ts'
import { unpricedModels } from './unpriced.ts'

/** Runs sixteen checks. If the schedule cannot be read, it is unknown where the backups are, so they are not checked. */
export async function diagnose(
  given: UnscheduledContext,
  { settings = [] }: Diagnosis = {},
): Promise<HealthReport> {
  const [context, unreadable] = scheduled(given)
  const files = () => {
    if (unreadable) throw unreadable
    return { ...context, dryRun: true }
  }
  const survey = surveyOnce(files)
  return reportOn(resolve(context.path), [
    checkSettings(settings),
    ...(await healthChecks(context, {
      damageOf: integrityCheck,
      follow: db => followAll(db, context),
      survey,
    })),
    await inDatabase(context, 'clock', checkClock),
    await inDatabase(context, 'prices', unpricedModels),
    checkLog(context),
    checkAgeFiles(context),
    ...(await checkBackups(files, survey)),
  ])
}

/** The context by the schedule. If that cannot be read, the context by the default, and the error. */
function scheduled(given: UnscheduledContext): readonly [FileContext, LatchkeyError?] {
  try {
    return [withSchedule(given)]
  } catch (error) {
    const context = { ...given, backupDir: given.backupDir ?? usualBackupDir(besideIt(given)) }
    return [context, known(error, context)]
  }
}

/** If the clock jumps back, keys live longer and usage counts longer. */
const toleratedSkewMs = 60_000

async function checkClock(db: Database, now: Date): Promise<Check> {
  const [newest] = await db.select({ at: audit.at }).from(audit).orderBy(desc(audit.id)).limit(1)
  const aheadMs = newest === undefined ? 0 : newest.at - now.getTime()
  const value = { now: now.toISOString(), aheadMs: Math.max(0, aheadMs) }
  if (aheadMs <= toleratedSkewMs) return ok('clock', value)
  const problem = `the last change was written at ${new Date(newest?.at ?? 0).toISOString()}, which is in the future: the clock has jumped back`
  return warning('clock', value, problem, 'set the clock, for example with: timedatectl set-ntp true')
}

/** Skipped if the database cannot be used, which is a finding of its own. */
async function inDatabase(
  context: FileContext,
  name: Check['name'],
  check: (db: Database, now: Date) => Promise<Check>,
): Promise<Check> {
  const { path, now } = context
  try {
    using client = openReader(path)
    requireCurrent(client, path)
    return await check(databaseOn(client), now())
  } catch (error) {
    known(error, context)
    return skipped(name)
  }
}

/** A log that is larger than this, and as large as its database, means that a reader never ends. */
const largeLogBytes = 64 * 1_048_576

function checkLog({ path }: FileContext): Check {
  const value = { walBytes: sizeOf(`${path}-wal`), databaseBytes: sizeOf(path) }
  if (value.walBytes < Math.max(largeLogBytes, value.databaseBytes)) return ok('wal', value)
  return warning(
    'wal',
    value,
    `the write-ahead log has grown to ${Math.round(value.walBytes / 1_048_576)} MiB: a process keeps an old snapshot open`,
    'see who has the database open with: latchkey db info, and restart that process',
  )
}
