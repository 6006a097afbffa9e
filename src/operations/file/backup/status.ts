/** Whether there is a backup to rely on, for a monitor that asks every few minutes. Only reads. */
import * as v from 'valibot'
import type { BackupStatus } from '../../../contract/views.ts'
import type { FileContext } from '../../context.ts'
import { parse } from '../../rules/input.ts'
import { surveyFolder } from './list.ts'
import { toView } from './manifest.ts'
import { locate } from './places/locate.ts'
import { isSafetyCopy } from './policy.ts'

/** A daily backup, and two hours for it to run. */
export const defaultMaxAgeMs = 26 * 3_600_000

const inputSchema = v.object({
  /** The folder, or `s3://bucket/prefix`; default the context's. */
  from: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty'))),
  /** The age from which the newest backup is stale. */
  maxAgeMs: v.optional(v.pipe(v.number(), v.minValue(1)), defaultMaxAgeMs),
})

export type StatusOptions = v.InferInput<typeof inputSchema>

/**
 * Failed while any backup did not pass its last verification or has a damaged manifest; else stale without a backup
 * that is young enough.
 *
 * @throws not_found (the place), permission, busy
 */
export async function backupStatus(context: FileContext, input: StatusOptions = {}): Promise<BackupStatus> {
  const { from, maxAgeMs } = parse(inputSchema, input)
  const { backups, broken } = await surveyFolder(context, from)
  // What restore and migrate save on their way says nothing of whether backups are taken.
  const newest = backups.find(stored => stored.manifest.failure === null && !isSafetyCopy(stored))
  const ageMs = newest ? context.now().getTime() - newest.manifest.createdAt.getTime() : null
  const view = {
    location: locate(context, from ?? context.backupDir).address,
    newest: newest ? toView(newest) : null,
    ageMs,
    maxAgeMs,
  }
  const failed = backups.find(({ manifest }) => manifest.failure !== null)
  const damaged = broken.find(({ newer }) => !newer)
  if (failed) {
    const problem = `${failed.manifest.id} failed its verification: ${failed.manifest.failure?.problem}`
    return { ...view, status: 'failed', problem }
  }
  if (damaged) return { ...view, status: 'failed', problem: `${damaged.path}: ${damaged.problem}` }
  if (ageMs === null) return { ...view, status: 'stale', problem: 'there is no backup' }
  if (ageMs >= maxAgeMs) return { ...view, status: 'stale', problem: 'the newest backup is too old' }
  return { ...view, status: 'fresh', problem: null }
}
