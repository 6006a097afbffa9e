/** Finds the backup for a restore: a named one, the latest, the latest at a time, or the one that undoes the last restore. */
import { resolve } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { type Noun, nounNames } from '../../../../contract/nouns.ts'
import { requireOurs } from '../../../../db/sqlite/open.ts'
import { statOf } from '../../../../system/files.ts'
import { pathProblem } from '../../../../text/address.ts'
import { shellWord } from '../../../../text/shell-word.ts'
import type { FileContext } from '../../../context.ts'
import type { ChooseState } from '../input.ts'
import { chooseBackup, findBackup, surveyOwn } from '../list.ts'
import type { StoredBackup } from '../manifest.ts'
import type { Touched } from './bring-back.ts'
import { ifReadable } from './live.ts'

/** The path of the database to restore. @throws usage (not a file) */
export function targetOf(context: FileContext, { to = context.path }: ChooseState): string {
  const wrong = pathProblem(to)
  if (wrong) throw new LatchkeyError('usage', wrong.problem, wrong.hint)
  const path = resolve(to)
  if (statOf(path)?.isFile() === false) {
    throw new LatchkeyError(
      'usage',
      `${path} is ${statOf(path)?.isDirectory() ? 'a folder' : 'not a file'}, so it cannot be replaced by a database`,
      'give the file of a database, or a new path',
    )
  }
  return path
}

/** @throws not_found, ambiguous, corrupt, usage (not exactly one choice) */
export async function chooseState(context: FileContext, options: ChooseState): Promise<StoredBackup> {
  const { backup, latest = false, at, undo = false } = options
  if ([backup !== undefined, latest, at !== undefined, undo].filter(Boolean).length !== 1) {
    throw new LatchkeyError(
      'usage',
      'no backup was chosen: name one, or ask for the latest, the latest at a time, or an undo',
      'list them with: latchkey backup list, then: latchkey restore ID, or: latchkey restore --latest',
    )
  }
  const found = await (undo ? safetyCopy : chooseBackup)(context, options)
  return { ...found, identityFile: options.identityFile ?? context.ageIdentityFile }
}

/** The safety copy of the last restore, according to the database itself, or else to the backups. */
async function safetyCopy(context: FileContext, options: ChooseState): Promise<StoredBackup> {
  const path = targetOf(context, options)
  const told = lastRestore(path)
  if (told?.safetyBackup === null) throw nothingBefore(path, told.wasMissing)
  if (told) return findBackup(context, told.safetyBackup, options.from)
  const { backups } = await surveyOwn({ ...context, path }, options.from)
  const newest = backups.find(({ manifest }) => manifest.reason === 'pre-restore')
  if (newest) return newest
  throw new LatchkeyError(
    'not_found',
    `${path} and its backups have no record of a restore`,
    'choose a backup with: latchkey backup list',
  )
}

/** The error for an undo that would leave no database. An undo never removes one. */
function nothingBefore(path: string, wasMissing: boolean): LatchkeyError {
  const another =
    'restore another backup; the current database is backed up first: latchkey backup list, then: latchkey restore ID'
  if (!wasMissing) {
    return new LatchkeyError(
      'not_found',
      'there was no readable database before the last restore, so there is nothing to go back to',
      `${another}; the damaged files are kept beside the database`,
    )
  }
  const aside = `mv -n ${shellWord(path)} ${shellWord(`${path}.old`)}`
  return new LatchkeyError(
    'not_found',
    `there was no database at ${path} before the last restore, so there is nothing to go back to`,
    `${another}; to remove the database, stop what uses it, then: ${aside}`,
  )
}

/** The return of one thing, as its audit row tells of it. */
export interface ThingReturn {
  readonly target: { readonly noun: Noun; readonly id: string }
  readonly name: string
  readonly things: readonly Touched[]
}

export interface LastRestore {
  /** Id of its safety copy; null if there was nothing readable to copy. */
  readonly safetyBackup: string | null
  /** Whether there was no file. */
  readonly wasMissing: boolean
  /** null when it was the whole database. */
  readonly thing: ThingReturn | null
}

/** The last by the order of rows, because clocks may have jumped. Undefined if the database has no record. */
export const lastRestore = (path: string): LastRestore | undefined =>
  ifReadable(path, client => {
    requireOurs(client, path)
    const row = client
      .query(
        `SELECT target_type AS type, target_id AS id, target_name AS name,
           "after" ->> 'safetyBackup' AS safetyBackup, "after" ->> 'wasMissing' AS wasMissing, "after" -> 'touched' AS touched
         FROM audit
         WHERE action IN ('database.safety', ${restores.join(', ')})
         ORDER BY rowid DESC LIMIT 1`,
      )
      .get() as RestoreRow | null
    if (row === null) return undefined
    const { safetyBackup, wasMissing } = row
    return { safetyBackup, wasMissing: wasMissing === 1, thing: thingOf(row) }
  })

const restores = ['database', ...nounNames].map(each => `'${each}.restore'`)

interface RestoreRow {
  readonly type: Noun | 'database'
  readonly id: string
  readonly name: string | null
  readonly safetyBackup: string | null
  /** 1 if it was; null in rows of older versions. */
  readonly wasMissing: number | null
  /** JSON; null in rows of older versions, which recorded only the thing itself. */
  readonly touched: string | null
}

function thingOf({ type, id, name, touched }: RestoreRow): ThingReturn | null {
  if (type === 'database') return null
  const things = touched === null ? [{ kind: type, id, state: '' }] : JSON.parse(touched)
  return { target: { noun: type, id }, name: name ?? id, things }
}
