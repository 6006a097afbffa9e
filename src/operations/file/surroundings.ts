/** Checks of what surrounds a database on either engine: the files of age, the schedule, and the newest backup. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { BackupSchedule } from '../../contract/views.ts'
import { translate } from '../../db/sqlite/errors.ts'
import { statOf } from '../../system/files.ts'
import { lineOf, shellWord } from '../../text/shell-word.ts'
import type { FileContext } from '../context.ts'
import { dataPath } from './backup/manifest.ts'
import { newestTaken } from './backup/newest.ts'
import type { OwnSurvey } from './backup/ownership.ts'
import { locate } from './backup/places/locate.ts'
import { rehearse, unscheduleBackups } from './backup/schedule.ts'
import { verifyBackups } from './backup/verify.ts'
import { type Check, failed, ok, skipped, warning } from './check.ts'

/**
 * Whether backups are scheduled and the scheduled command works, and whether the bytes of the newest backup are those that
 * its manifest says.
 *
 * @param files a dry run; may throw if the schedule cannot be read, which is a finding
 * @param survey finds the backups
 */
export async function checkBackups(
  files: () => FileContext,
  survey: () => Promise<OwnSurvey>,
): Promise<readonly Check[]> {
  try {
    const context = files()
    return [await checkSchedule(context, survey), await checkNewestBackup(context, survey)]
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    const { message, hint } = error
    return [failed('schedule', null, message, hint), warning('backup_bytes', null, message, hint)]
  }
}

/** @throws what is no expected error */
export function known(error: unknown, { path }: Pick<FileContext, 'path'>): LatchkeyError {
  const translated = translate(error, path)
  if (translated instanceof LatchkeyError) return translated
  throw error
}

/** Whether the files of age that the settings name are there, and whether only their owner can read the identities. */
export function checkAgeFiles({ ageRecipientsFile, ageIdentityFile }: FileContext): Check {
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
    const mend = `take another with: latchkey backup create, then check this one with: ${lineOf('backup verify', String(value.id))}`
    return failed('backup_bytes', value, check?.problem ?? '', mend)
  } catch (error) {
    const { message, hint } = known(error, context)
    return warning('backup_bytes', null, message, hint)
  }
}
