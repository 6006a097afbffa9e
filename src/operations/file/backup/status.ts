/** Says whether there is a recent good backup, for monitors that ask every few minutes. Only reads. */
import type { BackupStatus } from '../../../contract/views.ts'
import { lineOf } from '../../../text/shell-word.ts'
import type { FileContext } from '../../context.ts'
import { parse } from '../../rules/input.ts'
import { type StatusOptions, statusInput } from './input.ts'
import { surveyOwn } from './list.ts'
import { type BrokenBackup, dataPath, type StoredBackup, toView } from './manifest.ts'
import { isFromLater } from './newest.ts'
import type { OwnSurvey } from './ownership.ts'
import { locate } from './places/locate.ts'
import { isSafetyCopy } from './policy.ts'

/**
 * Looks only at the backups of this database. `failed` if any failed its last verification, has a damaged manifest or is
 * dated in the future; otherwise `stale` if none is recent enough.
 *
 * @throws not_found (the place), permission, busy
 */
export async function backupStatus(context: FileContext, input: StatusOptions = {}): Promise<BackupStatus> {
  const { from, maxAgeMs } = parse(statusInput, input)
  const location = locate(context, from ?? context.backupDir).address
  return statusOf(await surveyOwn(context, from), { location, maxAgeMs, now: context.now() })
}

interface Asked {
  readonly location: string
  readonly maxAgeMs: number
  readonly now: Date
}

export function statusOf(
  { backups, broken, others }: OwnSurvey,
  { location, maxAgeMs, now }: Asked,
): BackupStatus {
  // Safety copies do not show that regular backups are taken.
  const newest = backups.find(
    stored => stored.manifest.failure === null && !isSafetyCopy(stored) && !isFromLater(stored, now),
  )
  const ageMs = newest ? now.getTime() - newest.manifest.createdAt.getTime() : null
  const view = { location, newest: newest ? toView(newest) : null, ageMs, maxAgeMs }
  const found = finding(backups, broken, now)
  if (found !== undefined) return { ...view, status: 'failed', ...found }
  const fresh = ageMs !== null && ageMs < maxAgeMs
  if (fresh) return { ...view, status: 'fresh', problem: null, mend: null }
  const mend = 'take one with: latchkey backup create'
  if (ageMs !== null) return { ...view, status: 'stale', problem: 'the newest backup is too old', mend }
  const [unreadable] = broken
  if (unreadable !== undefined) {
    const problem = `no backup can be read: ${unreadable.path}: ${unreadable.problem}`
    return { ...view, status: 'stale', problem, mend }
  }
  const problem = others.length === 0 ? 'there is no backup' : 'there is no backup of this database'
  return { ...view, status: 'stale', problem, mend }
}

interface Finding {
  readonly problem: string
  readonly mend: string
}

/** The first problem of any of them. A backup made by a newer Latchkey is not a problem. */
function finding(
  backups: readonly StoredBackup[],
  broken: readonly BrokenBackup[],
  now: Date,
): Finding | undefined {
  const failed = backups.find(({ manifest }) => manifest.failure !== null)
  if (failed !== undefined) {
    const { id, failure } = failed.manifest
    return {
      problem: `${id} failed its verification: ${failure?.problem}`,
      mend: `verify it again with: ${lineOf('backup verify', dataPath(failed))}`,
    }
  }
  const damaged = broken.find(({ newer }) => !newer)
  if (damaged !== undefined) {
    return {
      problem: `${damaged.path}: ${damaged.problem}`,
      mend: 'check them all with: latchkey backup verify --all',
    }
  }
  const later = backups.find(stored => isFromLater(stored, now))
  if (later === undefined) return undefined
  const { id, createdAt } = later.manifest
  return {
    problem: `${id} is dated ${createdAt.toISOString()}, which is in the future: ${dataPath(later)}`,
    mend: 'set the clock; if it is correct, move that file and its .json elsewhere',
  }
}
