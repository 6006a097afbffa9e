/** Metrics of backups. Listing a bucket may be slow, so only the first request waits for it. */
import { LatchkeyError } from '../contract/errors.ts'
import { failureOf } from '../contract/failure.ts'
import type { BackupStatus, Latchkey } from '../index.ts'
import type { Log } from './log.ts'
import { backupFamilies, type Family } from './metrics.ts'

/** How long a result is used, in milliseconds. */
const holdsMs = 60_000

/** Returns the last result, and refreshes it in the background when it is old. */
export function watchBackups(now: () => Date, log: Log): (latchkey: Latchkey) => Promise<readonly Family[]> {
  let known: BackupStatus | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  const look = async (latchkey: Latchkey): Promise<void> => {
    lookedAt = now().getTime()
    try {
      known = await latchkey.backups.status()
    } catch (error) {
      known = undefined
      // There is no folder before the first backup.
      const isMissing = error instanceof LatchkeyError && error.code === 'not_found'
      if (!isMissing) log({ event: 'failure', message: failureOf(error).message })
    } finally {
      looking = undefined
    }
  }

  return async latchkey => {
    // Refresh after the clock was set back too, or the result would stay for a long time.
    if (Math.abs(now().getTime() - lookedAt) >= holdsMs) looking ??= look(latchkey)
    if (known === undefined) await looking
    return known === undefined ? [] : backupFamilies(known, now())
  }
}
