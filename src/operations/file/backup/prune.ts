/**
 * Removes the backups that no rule keeps: first the manifest, so that after a kill the rest does not count as a backup.
 * Never touches a file that none of our manifests names.
 */

import { LatchkeyError } from '../../../contract/errors.ts'
import type { BackupPruning } from '../../../contract/views.ts'
import { many } from '../../../text/quantity.ts'
import type { FileContext } from '../../context.ts'
import { parse } from '../../rules/input.ts'
import type { KeepPolicy } from './input.ts'
import { type PruneBackups, pruneInput } from './input.ts'
import { surveyOwn } from './list.ts'
import { withLock } from './lock.ts'
import { dataPath, manifestName, newestFirst, readManifest, type StoredBackup } from './manifest.ts'
import { locate } from './places/locate.ts'
import type { Location } from './places/place.ts'
import { type Decision, decide, requirePolicy } from './policy.ts'

/**
 * Decides on every backup of this database, newest first, and removes those that no rule keeps. A dry run removes none.
 *
 * @throws usage (no policy), not_found, busy, partial (some could not be removed), permission, invalid, conflict
 */
export async function pruneBackups(
  context: FileContext,
  input: PruneBackups = {},
): Promise<readonly BackupPruning[]> {
  const { from, keep, only, timeZone, waitMs } = parse(pruneInput, input)
  const policy = requirePolicy(keep, context.keep)
  const where = from ?? context.backupDir
  const location = locate(context, where)
  // Fails if the folder is missing, so that the lock does not create it.
  await location.list()
  const prune = () => pruneUnlocked(context, location, { policy, timeZone, only })
  return withLock(context, where, prune, { waitMs })
}

/** What `pruneBackups` would do. @throws as `pruneBackups` */
export const planPrune = (
  context: FileContext,
  input: PruneBackups = {},
): Promise<readonly BackupPruning[]> => pruneBackups({ ...context, dryRun: true }, input)

interface Pruning {
  readonly policy: KeepPolicy
  readonly timeZone: string
  /** Ids of backups: when any other would be removed, none is. */
  readonly only?: readonly string[] | undefined
  /** The backup that the caller just took. A dry run does not find it in the place. */
  readonly taken?: StoredBackup
}

/** As `pruneBackups`, for a caller that holds the lock. */
export async function pruneUnlocked(
  context: FileContext,
  location: Location,
  { policy, timeZone, only, taken }: Pruning,
): Promise<readonly BackupPruning[]> {
  const survey = async () => (await surveyOwn(context, location.address)).backups
  const all =
    context.dryRun && taken ? [taken, ...(await survey().catch(noneYet))].sort(newestFirst) : await survey()
  const decisions = decide(policy, all, context.now(), timeZone, taken?.manifest.id)
  const unkept = decisions.filter(({ keep }) => !keep)
  const other = only && unkept.find(({ stored }) => !only.includes(stored.manifest.id))
  if (other) {
    throw new LatchkeyError(
      'conflict',
      `${dataPath(other.stored)} would now be removed too, so nothing was removed`,
      'run it again to see which backups would be removed',
    )
  }
  if (!context.dryRun) await removeAll(unkept)
  return decisions.map(toPruning)
}

/** The first backup creates its folder, which a dry run does not. */
function noneYet(error: unknown): readonly StoredBackup[] {
  if (error instanceof LatchkeyError && error.code === 'not_found') return []
  throw error
}

/** Oldest first: if it stops halfway, the newer ones remain. */
async function removeAll(decisions: readonly Decision[]): Promise<void> {
  let removed = 0
  for (const { stored } of decisions.toReversed()) {
    try {
      await remove(stored)
      removed++
    } catch (error) {
      if (!(error instanceof LatchkeyError)) throw error
      throw new LatchkeyError(
        removed === 0 ? error.code : 'partial',
        `removed ${removed} of ${many(decisions.length, 'backup')}; ${dataPath(stored)}: ${error.message}`,
        error.hint,
        { cause: error },
      )
    }
  }
}

async function remove({ location, manifest }: StoredBackup): Promise<void> {
  const now = await readManifest(location, manifestName(manifest.file))
  if (now === undefined || 'problem' in now || now.manifest.id !== manifest.id) return
  await location.remove(manifestName(manifest.file))
  await location.remove(manifest.file)
}

function toPruning({ stored, keep, because }: Decision): BackupPruning {
  const { id, createdAt, reason, sizeBytes } = stored.manifest
  return {
    id,
    path: dataPath(stored),
    createdAt,
    reason,
    sizeBytes,
    outcome: keep ? 'kept' : 'removed',
    because,
  }
}
