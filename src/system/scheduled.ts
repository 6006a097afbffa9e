/**
 * The schedule of a database, in a small file beside it. It tells every command where the backups are and how to encrypt
 * them. Only `backup schedule` writes it.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { isServerUrl, placeOfUrl } from '../text/address.ts'
import { shellWord } from '../text/shell-word.ts'
import { type Environment, userFolder } from './home.ts'

export interface Scheduled {
  /** A folder, or `s3://bucket/prefix`. */
  readonly backupDir: string
  /** File of age recipients, one a line; null if the backups are not encrypted. */
  readonly recipientsFile: string | null
}

/**
 * What is on this machine beside a database has names that begin with this: the file itself, or for a database on a server one
 * in the folder of the user's data, which need not exist.
 */
export const besideOf = (database: string, env: Environment): string =>
  isServerUrl(database)
    ? join(
        userFolder(env, 'XDG_DATA_HOME'),
        'latchkey',
        placeOfUrl(database)
          .replace(/^\w+:\/\//, '')
          .replaceAll(/[^\w.-]+/g, '_'),
      )
    : database

/** The same of a database that operations work on. */
export const besideIt = ({ path, server }: Located): string => server?.beside ?? path

interface Located {
  readonly path: string
  readonly server?: { readonly beside: string } | undefined
}

export const scheduledFile = (beside: string): string => `${beside}.schedule.json`

export const scheduledText = (scheduled: Scheduled): string => `${JSON.stringify(scheduled, null, 2)}\n`

/** undefined if no backups are scheduled. @throws config (the file cannot be read) */
export function readScheduled(beside: string): Scheduled | undefined {
  const path = scheduledFile(beside)
  try {
    const { backupDir, recipientsFile } = Object(JSON.parse(readFileSync(path, 'utf8')))
    if (typeof backupDir === 'string' && (recipientsFile === null || typeof recipientsFile === 'string'))
      return { backupDir, recipientsFile }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error))) return undefined
  }
  throw new LatchkeyError(
    'config',
    `${path}, which says where the backups of this database go, cannot be read`,
    `remove it, then run latchkey backup schedule again: rm ${shellWord(path)}`,
  )
}

/** Where backups go if nobody says anything else. */
export const usualBackupDir = (beside: string): string => join(dirname(beside), 'backups')

/** What a caller says of the backups of a database. */
interface Given extends Located {
  readonly backupDir?: string | undefined
  readonly ageRecipientsFile?: string | undefined
}

/** Where the caller says nothing, the schedule decides, and then the default. @throws config (the file cannot be read) */
export function withSchedule<G extends Given>(given: G): G & { readonly backupDir: string } {
  const beside = besideIt(given)
  const scheduled = readScheduled(beside)
  return {
    ...given,
    backupDir: given.backupDir ?? scheduled?.backupDir ?? usualBackupDir(beside),
    ageRecipientsFile: given.ageRecipientsFile ?? scheduled?.recipientsFile ?? undefined,
  }
}
