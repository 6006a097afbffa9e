/** Finds the backup for a restore: a named one, the latest, the latest at a time, or the one that undoes the last restore. */
import { resolve } from 'node:path'
import * as v from 'valibot'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { type Noun, nounNames } from '../../../../contract/nouns.ts'
import { realPath } from '../../../../db/sqlite/holders.ts'
import { statOf } from '../../../../system/files.ts'
import { pathProblem } from '../../../../text/address.ts'
import { shellWord } from '../../../../text/shell-word.ts'
import type { AuditedLast, FileContext } from '../../../context.ts'
import type { ChooseState } from '../input.ts'
import { chooseBackup, chosenTwice, findBackup, surveyOwn } from '../list.ts'
import type { StoredBackup } from '../manifest.ts'
import type { Touched } from './bring-back.ts'
import { ifReadable } from './live.ts'

/** The database to restore: the context's, or a file. Of a symbolic link the target is replaced, not the link. @throws usage (not a file) */
export function targeted(context: FileContext, { to }: ChooseState): FileContext {
  return to === undefined && context.server
    ? context
    : { ...context, path: realPath(fileOf(to ?? context.path)), server: undefined }
}

function fileOf(to: string): string {
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
  const given = [backup !== undefined, latest, at !== undefined, undo].filter(Boolean).length
  if (given > 1) throw chosenTwice('an id, --latest, --at and --undo')
  if (given === 0) {
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
  const target = targeted(context, options)
  const { path } = target
  const told = await lastRestore(target)
  if (told?.safetyBackup === null) throw nothingBefore(target, told.wasMissing)
  if (told) return findBackup(context, told.safetyBackup, options.from)
  const { backups } = await surveyOwn(target, options.from)
  const newest = backups.find(({ manifest }) => manifest.reason === 'pre-restore')
  if (newest) return newest
  throw new LatchkeyError(
    'not_found',
    `${path} and its backups have no record of a restore`,
    'choose a backup with: latchkey backup list',
  )
}

/** The error for an undo that would leave no database. An undo never removes one. */
function nothingBefore({ path, server }: FileContext, wasMissing: boolean): LatchkeyError {
  const another =
    'restore another backup; the current database is backed up first: latchkey backup list, then: latchkey restore ID'
  if (!wasMissing) {
    return new LatchkeyError(
      'not_found',
      'there was no readable database before the last restore, so there is nothing to go back to',
      `${another}; the damaged files are kept beside the database`,
    )
  }
  if (server) {
    return new LatchkeyError(
      'not_found',
      `there was nothing of Latchkey in ${path} before the last restore, so there is nothing to go back to`,
      `${another}; to remove the database, stop what uses it, then: dropdb`,
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
export async function lastRestore({ path, server }: FileContext): Promise<LastRestore | undefined> {
  const row = server ? await unlessMissing(() => server.lastAudited(restores)) : lastIn(path)
  if (row === undefined) return undefined
  const { safetyBackup = null, wasMissing = false, touched } = v.parse(told, JSON.parse(row.after ?? '{}'))
  return { safetyBackup, wasMissing, thing: thingOf(row, touched) }
}

const restores = ['database.safety', ...['database', ...nounNames].map(each => `${each}.restore`)]

const lastIn = (path: string): AuditedLast | undefined =>
  ifReadable(path, client => {
    const row = client
      .query(
        `SELECT target_type AS type, target_id AS id, target_name AS name, "after" FROM audit
         WHERE action IN (${restores.map(() => '?').join(', ')}) ORDER BY rowid DESC LIMIT 1`,
      )
      .get(...restores) as AuditedLast | null
    return row ?? undefined
  })

async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof LatchkeyError && error.code === 'database_missing') return undefined
    throw error
  }
}

/** What an audit row says of a restore. */
const told = v.object({
  safetyBackup: v.optional(v.nullable(v.string())),
  wasMissing: v.optional(v.boolean()),
  /** Left out in rows of older versions, which recorded only the thing itself. */
  touched: v.optional(v.array(v.object({ kind: v.picklist(nounNames), id: v.string(), state: v.string() }))),
})

function thingOf(
  { type, id, name }: AuditedLast,
  touched: readonly Touched[] | undefined,
): ThingReturn | null {
  const noun = nounNames.find(each => each === type)
  if (noun === undefined) return null
  return { target: { noun, id }, name: name ?? id, things: touched ?? [{ kind: noun, id, state: '' }] }
}
