/** Which backup a restore means: one that is named, the newest, the newest at a time, or what the last one replaced. */
import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import type { Backup } from '../../../../contract/views.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { openReader, requireOurs } from '../../../../db/sqlite/open.ts'
import { translate } from '../../../../system/errors.ts'
import { statOf } from '../../../../system/files.ts'
import { pathProblem } from '../../../../text/address.ts'
import type { FileContext } from '../../../context.ts'
import { type ChooseBackup, chooseBackup, latestBackup, listBackups } from '../list.ts'
import { type StoredBackup, toView } from '../manifest.ts'
import { askedAbout, belongsTo } from '../ownership.ts'

export interface ChooseState extends ChooseBackup {
  /** The newest backup that had been taken by then. */
  readonly at?: Date | undefined
  /** The database as it was before the last restore. */
  readonly undo?: boolean | undefined
  /** The database to restore; default the context's. */
  readonly to?: string | undefined
}

export interface Restorable extends Backup {
  /** The name of the file in whose place it would come; null where there is none. */
  readonly replaces: string | null
  /** Whether it is known to be of another database than the one in whose place it would come. */
  readonly foreign: boolean
}

/**
 * The backup that a restore with the same options would use.
 *
 * @throws as `chooseState`
 */
export async function restorable(context: FileContext, options: ChooseState): Promise<Restorable> {
  const path = targetOf(context, options)
  const stored = await chooseState(context, options)
  const { database } = stored.manifest
  const foreign = database !== null && !belongsTo(database, stored.location, askedAbout(path))
  return { ...toView(stored), replaces: existsSync(path) ? basename(path) : null, foreign }
}

/** The path of the database to restore. @throws usage when that can be none */
export function targetOf(context: FileContext, { to = context.path }: ChooseState): string {
  const wrong = pathProblem(to)
  if (wrong) throw new LatchkeyError('usage', wrong.problem, wrong.hint)
  const path = resolve(to)
  if (statOf(path)?.isFile() === false) {
    throw new LatchkeyError(
      'usage',
      `${path} is ${statOf(path)?.isDirectory() ? 'a folder' : 'no file'}, and a database cannot take its place`,
      'name the file of the database, or one that is not there yet',
    )
  }
  return path
}

/** @throws not_found, ambiguous, corrupt, usage (not one choice) */
export async function chooseState(context: FileContext, options: ChooseState): Promise<StoredBackup> {
  const { backup, latest = false, at, undo = false } = options
  if ([backup !== undefined, latest, at !== undefined, undo].filter(Boolean).length !== 1) {
    throw new LatchkeyError(
      'usage',
      'say which backup is meant: one, the latest, the one at a time, or an undo',
      'see them with: latchkey backup list, then: latchkey restore ID, or: latchkey restore --latest',
    )
  }
  const identityFile = options.identityFile ?? context.ageIdentityFile
  if (undo) {
    const id = await replaced({ ...context, path: targetOf(context, options) })
    return chooseBackup(context, { ...options, latest: false, backup: id })
  }
  if (backup !== undefined) return chooseBackup(context, options)
  return { ...(await latestBackup(context, options)), identityFile }
}

/** The id of the safety backup of the last restore, as the database itself tells, or else as the backups do. */
async function replaced(context: FileContext): Promise<string> {
  const told = lastSafetyBackup(context.path)
  if (told === 'nothing kept') {
    throw new LatchkeyError(
      'not_found',
      'there was no readable database before the last restore, so there is none to go back to',
      'bring back another backup, which saves what is there now: latchkey backup list, then: latchkey restore ID; what was damaged lies beside the database',
    )
  }
  if (told !== 'unknown') return told.id
  const newest = (await listBackups(context)).find(({ reason }) => reason === 'pre-restore')
  if (newest) return newest.id
  throw new LatchkeyError(
    'not_found',
    `nothing was ever restored to ${context.path}, as far as it and its backups tell`,
    'choose a backup with: latchkey backup list',
  )
}

/** The order of the rows tells which was last: clocks may have jumped. */
function lastSafetyBackup(path: string): { readonly id: string } | 'nothing kept' | 'unknown' {
  let client: Client | undefined
  try {
    client = openReader(path)
    requireOurs(client, path)
    const row = client
      .query(
        `SELECT "after" ->> 'safetyBackup' AS id FROM audit
         WHERE action IN ('database.restore', 'database.safety', 'key.restore', 'user.restore', 'project.restore')
         ORDER BY rowid DESC LIMIT 1`,
      )
      .get() as { id: string | null } | null
    if (row === null) return 'unknown'
    return row.id === null ? 'nothing kept' : { id: row.id }
  } catch (error) {
    const known = translate(error, path)
    const unreadable =
      known instanceof LatchkeyError
        ? ['database_missing', 'corrupt'].includes(known.code)
        : String(known).includes('no such table')
    if (unreadable) return 'unknown'
    throw known
  } finally {
    client?.close()
  }
}
