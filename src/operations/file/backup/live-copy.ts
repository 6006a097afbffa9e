/** Copies a live database, for a backup. */
import { copyTo, openPrivate } from '../../../db/sqlite/copy.ts'
import { copyFrozen } from '../../../db/sqlite/freeze.ts'
import { dropUnsealed, hasUnsealed } from '../../../db/sqlite/unsealed.ts'

export interface CopyTask {
  readonly source: string
  /** An empty private file. */
  readonly target: string
  /** Whether to try to copy the file itself first. */
  readonly fast: boolean
}

/**
 * Returns whether the file itself was copied.
 *
 * @throws database_missing, corrupt (the source), disk_full, permission (the copy)
 */
export function copyLive({ source, target, fast }: CopyTask): { readonly frozen: boolean } {
  const frozen = fast && copyFrozen(source, target)
  if (!frozen) copyTo(source, target)
  withoutUnsealed(target)
  return { frozen }
}

/** Who restores it goes on without a log that was half stored, and counts it again. */
function withoutUnsealed(copy: string): void {
  using client = openPrivate(copy)
  if (!hasUnsealed(client)) return
  client.run('BEGIN')
  dropUnsealed(client)
  client.run('COMMIT')
}
