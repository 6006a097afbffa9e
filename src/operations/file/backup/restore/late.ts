/**
 * Keeps what others commit between the safety copy of a restore and the swap. It is copied to a file beside the database
 * while nobody can commit, and that file becomes a backup once the swap is done. After a kill in between, the next
 * restore picks the file up, so no commit is ever lost.
 */
import { rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import type { Backup } from '../../../../contract/views.ts'
import { copyTo } from '../../../../db/sqlite/copy.ts'
import { translate } from '../../../../db/sqlite/errors.ts'
import { openWriter, requireOurs } from '../../../../db/sqlite/open.ts'
import { list, PrivateFile, place, syncFolder } from '../../../../system/files.ts'
import type { FileContext } from '../../../context.ts'
import { newId } from '../../../rules/ids.ts'
import { createUnlocked } from '../create.ts'
import { recordInside } from '../trail.ts'

/** Copies the database as it is now. */
export function keepLateCopy(context: FileContext): void {
  using copy = new PrivateFile(dirname(context.path))
  copyTo(context.path, copy.path)
  place(copy.path, `${context.path}.before-restore-${newId('bak', context.now()).slice(4)}`)
}

/**
 * Makes a backup of each late copy, newest last, and records it in the audit log, where an undo finds it.
 *
 * @returns the newest; null if there is none
 */
export async function adoptLateCopies(context: FileContext): Promise<Backup | null> {
  let newest: Backup | null = null
  for (const file of lateCopies(context.path)) {
    newest = await createUnlocked({ ...context, path: file, of: context.path }, { reason: 'pre-restore' })
    noteSafetyBackup(context, newest)
    rmSync(file)
    syncFolder(dirname(file))
  }
  return newest
}

/** The names sort by time. */
function lateCopies(path: string): readonly string[] {
  const folder = dirname(path)
  const prefix = `${basename(path)}.before-restore-`
  return list(folder)
    .filter(name => name.startsWith(prefix) && /^[0-9a-z]{26}$/.test(name.slice(prefix.length)))
    .sort()
    .map(name => join(folder, name))
}

/** A missing or damaged database has no audit log; an undo then uses the newest such backup. */
function noteSafetyBackup(context: FileContext, backup: Backup): void {
  try {
    using client = openWriter(context.path)
    requireOurs(client, context.path)
    // The restore is done, so there is time to wait for a busy writer.
    client.run('PRAGMA busy_timeout = 30000')
    client.run('BEGIN IMMEDIATE')
    recordInside(context, client, {
      action: 'database.safety',
      after: { safetyBackup: backup.id, replaced: backup.auditHead },
    })
    client.run('COMMIT')
  } catch (error) {
    const known = translate(error, context.path)
    if (!(known instanceof LatchkeyError && ['database_missing', 'corrupt'].includes(known.code))) throw known
  }
}
