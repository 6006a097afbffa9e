/**
 * What the schedule of a database says of its backups, in a small file beside it: every command, whoever runs it, then
 * looks for them where they go, and encrypts what it saves there. Written by `backup schedule` alone.
 */
import { readFileSync } from 'node:fs'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { shellWord } from '../text/shell-word.ts'

export interface Scheduled {
  /** A folder, or `s3://bucket/prefix`. */
  readonly backupDir: string
  /** Age recipients, one a line; null when the backups are not encrypted. */
  readonly recipientsFile: string | null
}

export const scheduledFile = (database: string): string => `${database}.schedule.json`

export const scheduledText = (scheduled: Scheduled): string => `${JSON.stringify(scheduled, null, 2)}\n`

/** Nothing when no backups of it are scheduled. @throws config when the file cannot be read */
export function readScheduled(database: string): Scheduled | undefined {
  const path = scheduledFile(database)
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
