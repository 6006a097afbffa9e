/** What metrics tell of backups. These may lie in a bucket far away, so nobody waits for a look at them but the first. */
import { LatchkeyError } from '../contract/errors.ts'
import { failureOf } from '../contract/failure.ts'
import type { BackupStatus, Latchkey } from '../index.ts'
import type { Log } from './log.ts'
import { backupFamilies, type Family } from './metrics.ts'

/** How long a look holds, in milliseconds. */
const holdsMs = 60_000

/** Gives what the last look has found, and looks again in the background when that is old. */
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
      // Before the first backup there is no folder.
      const isMissing = error instanceof LatchkeyError && error.code === 'not_found'
      if (!isMissing) log({ event: 'failure', message: failureOf(error).message })
    } finally {
      looking = undefined
    }
  }

  return async latchkey => {
    // Also when the clock was set back: what lies ahead of it may do so for years.
    if (Math.abs(now().getTime() - lookedAt) >= holdsMs) looking ??= look(latchkey)
    if (known === undefined) await looking
    return known === undefined ? [] : backupFamilies(known, now())
  }
}
