/**
 * Runs the checks of `health.ts` thoroughly, and checks what surrounds the database. Changes nothing and never stops
 * early: if something cannot be checked, that is the finding.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { BackupSchedule, HealthReport } from '../../contract/views.ts'
import { desc } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { databaseOn } from '../../db/sqlite/drizzle.ts'
import { translate } from '../../db/sqlite/errors.ts'
import { integrityCheck } from '../../db/sqlite/inspect.ts'
import { openReader, requireCurrent } from '../../db/sqlite/open.ts'
import { sizeOf, statOf } from '../../system/files.ts'
import { besideIt, usualBackupDir, withSchedule } from '../../system/scheduled.ts'
import { shellWord } from '../../text/shell-word.ts'
import { followAll } from '../audit/verify.ts'
import type { FileContext, UnscheduledContext } from '../context.ts'
import { surveyOnce } from './backup/list.ts'
import { dataPath } from './backup/manifest.ts'
import { newestTaken } from './backup/newest.ts'
import type { OwnSurvey } from './backup/ownership.ts'
import { locate } from './backup/places/locate.ts'
import { rehearse, unscheduleBackups } from './backup/schedule.ts'
import { verifyBackups } from './backup/verify.ts'
import { type Check, checkSettings, failed, ok, reportOn, skipped, warning } from './check.ts'
import { healthChecks } from './health.ts'
import type { Diagnosis } from './input.ts'
import { unpricedModels } from './unpriced.ts'

/** Runs sixteen checks. If the schedule cannot be read, it is unknown where the backups are, so they are not checked. */
export async function diagnose(
  given: UnscheduledContext,
  { settings = [] }: Diagnosis = {},
): Promise<HealthReport> {
  const [context, unreadable] = scheduled(given)
  const dry = { ...context, dryRun: true }
  const survey = surveyOnce(() => {
    if (unreadable) throw unreadable
    return dry
  })
  return reportOn(resolve(context.path), [
    checkSettings(settings),
    ...(await healthChecks(context, {
      damageOf: integrityCheck,
      follow: db => followAll(db, context),
      survey,
    })),
    await checkClock(context),
    await checkPrices(context),
    checkLog(context),
    checkAgeFiles(context),
    unreadable === undefined
      ? await checkSchedule(dry, survey)
      : failed('schedule', null, unreadable.message, unreadable.hint),
    await checkNewestBackup(dry, survey),
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

function known(error: unknown, { path }: FileContext): LatchkeyError {
  const translated = translate(error, path)
  if (translated instanceof LatchkeyError) return translated
  throw error
}

/** If the clock jumps back, keys live longer and usage counts longer. */
const toleratedSkewMs = 60_000

async function checkClock(context: FileContext): Promise<Check> {
  const { path, now } = context
  try {
    using client = openReader(path)
    requireCurrent(client, path)
    const [newest] = await databaseOn(client)
      .select({ at: audit.at })
      .from(audit)
      .orderBy(desc(audit.id))
      .limit(1)
    const aheadMs = newest === undefined ? 0 : newest.at - now().getTime()
    const value = { now: now().toISOString(), aheadMs: Math.max(0, aheadMs) }
    if (aheadMs <= toleratedSkewMs) return ok('clock', value)
    const problem = `the last change was written at ${new Date(newest?.at ?? 0).toISOString()}, which is in the future: the clock has jumped back`
    return warning('clock', value, problem, 'set the clock, for example with: timedatectl set-ntp true')
  } catch (error) {
    known(error, context)
    return skipped('clock')
  }
}

async function checkPrices(context: FileContext): Promise<Check> {
  const { path, now } = context
  let client: ReturnType<typeof openReader> | undefined
  try {
    client = openReader(path)
    requireCurrent(client, path)
    return await unpricedModels(databaseOn(client), now())
  } catch (error) {
    known(error, context)
    return skipped('prices')
  } finally {
    client?.close()
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

function checkAgeFiles({ ageRecipientsFile, ageIdentityFile }: FileContext): Check {
  const value = { recipients: ageRecipientsFile ?? null, identity: ageIdentityFile ?? null }
  for (const path of [ageRecipientsFile, ageIdentityFile]) {
    if (path === undefined || statOf(path)?.isFile()) continue
    const mend = 'create it, or name another file in the settings: latchkey config show'
    return failed('age_files', value, `${path} does not exist: backups cannot be encrypted or read`, mend)
  }
  if (ageIdentityFile === undefined || (statSync(ageIdentityFile).mode & 0o077) === 0)
    return ok('age_files', value)
  return warning(
    'age_files',
    value,
    `other users can read ${ageIdentityFile}`,
    `chmod 0600 ${shellWord(resolve(ageIdentityFile))}`,
  )
}

async function checkSchedule(context: FileContext, survey: () => Promise<OwnSurvey>): Promise<Check> {
  try {
    // A dry run of removing them lists them.
    const entries = await unscheduleBackups(context)
    const managers = entries.map(({ manager }) => manager)
    const broken = await firstBroken(context, entries)
    if (broken) return failed('schedule', { managers }, broken.message, broken.hint)
    if (managers.length > 0) return ok('schedule', { managers })
    const { backups } = await survey()
    // With another scheduler, the reason of the backups shows that they are scheduled.
    if (backups[0]?.manifest.reason === 'schedule') return ok('schedule', { managers })
    const mend = "schedule them with: latchkey backup schedule --cron '17 3 * * *'"
    return warning('schedule', { managers }, 'this user has no backups scheduled', mend)
  } catch (error) {
    const { message, hint } = known(error, context)
    return warning('schedule', null, message, hint)
  }
}

/** A schedule may have lost its disk, its credentials or its program since it was installed. */
async function firstBroken(
  context: FileContext,
  entries: readonly BackupSchedule[],
): Promise<LatchkeyError | undefined> {
  for (const entry of entries) {
    try {
      await rehearse(context, entry)
    } catch (error) {
      return known(error, context)
    }
  }
  return undefined
}

async function checkNewestBackup(context: FileContext, survey: () => Promise<OwnSurvey>): Promise<Check> {
  try {
    const own = await survey()
    if (own.backups.length === 0) return skipped('backup_bytes')
    const where = locate(context, context.backupDir).address
    const newest = newestTaken(own, { now: context.now(), where })
    const [check] = await verifyBackups(context, { quick: true, backup: dataPath(newest) })
    const value = { id: check?.id ?? null }
    if (check?.outcome === 'passed') return ok('backup_bytes', value)
    const mend = `take another with: latchkey backup create, then check this one with: latchkey backup verify ${value.id}`
    return failed('backup_bytes', value, check?.problem ?? '', mend)
  } catch (error) {
    const { message, hint } = known(error, context)
    return warning('backup_bytes', null, message, hint)
  }
}
