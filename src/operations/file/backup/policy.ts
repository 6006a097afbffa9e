/**
 * Decides which backups to keep, and why. The rules are restic's (`restic forget`, internal/restic/snapshot_policy.go),
 * and some backups are always kept. Removes nothing.
 */

import { LatchkeyError } from '../../../contract/errors.ts'
import { parse } from '../../rules/input.ts'
import type { KeepPolicy } from './input.ts'
import { keepPolicy } from './input.ts'
import type { StoredBackup } from './manifest.ts'
import { isFromLater } from './newest.ts'

export interface Decision {
  readonly stored: StoredBackup
  readonly keep: boolean
  /** The rules that keep it, or why none does. */
  readonly because: readonly string[]
}

/**
 * Returns the given policy, or else the configured one.
 *
 * @throws usage (neither keeps anything), invalid
 */
export function requirePolicy(given: KeepPolicy | undefined, configured: KeepPolicy | undefined): KeepPolicy {
  for (const policy of [given, configured]) {
    const checked = parse(keepPolicy, policy ?? {})
    if (Object.values(checked).some(rule => rule !== undefined)) return checked
  }
  throw new LatchkeyError(
    'usage',
    'no retention policy: every backup would be removed',
    'set one with --keep-daily 7 --keep-weekly 4, or in latchkey.toml under [backup.keep]',
  )
}

export const isSafetyCopy = ({ manifest }: StoredBackup): boolean =>
  ['pre-restore', 'pre-migrate'].includes(manifest.reason)

/**
 * Decides on all backups of one database in a place.
 *
 * Safety copies hold states that somebody wanted to leave, so they never count as the backup of an hour, day or week.
 * They are kept for 7 days and by `withinMs`. A backup that failed its verification does not count either.
 *
 * @param backups newest first, of one database
 * @param taken the id of the backup that this run took
 */
export function decide(
  policy: KeepPolicy,
  backups: readonly StoredBackup[],
  now: Date,
  timeZone: string,
  taken?: string,
): readonly Decision[] {
  const reasons = new Map<StoredBackup, string[]>(backups.map(backup => [backup, []]))
  const keep = (backup: StoredBackup | undefined, because: string) => {
    if (backup) reasons.get(backup)?.push(because)
  }
  // A wrong clock must not cause the removal of good backups.
  for (const backup of backups.filter(each => isFromLater(each, now))) keep(backup, 'dated later than now')
  const dated = backups.filter(each => !isFromLater(each, now))
  const good = dated.filter(backup => backup.manifest.failure === null)
  const regular = good.filter(backup => !isSafetyCopy(backup))
  for (const rule of rules) applyRule(rule, policy[rule.name], regular, timeZone, keep)
  applyWithin(policy.withinMs, good, keep)
  keep(
    backups.find(({ manifest }) => manifest.id === taken),
    'just taken',
  )

  keep(regular[0] ?? good[0], 'newest good one')
  keep(
    good.find(({ manifest }) => manifest.verifiedAt !== null),
    'newest verified one',
  )
  for (const backup of dated) {
    const age = now.getTime() - backup.manifest.createdAt.getTime()
    if (isSafetyCopy(backup) && age < safetyMs) keep(backup, 'safety copy younger than 7 days')
    if (good.length === 0) keep(backup, 'no backup here is known to be good')
  }
  return backups.map(stored => {
    const because = reasons.get(stored) ?? []
    if (because.length > 0) return { stored, keep: true, because }
    const { failure } = stored.manifest
    return { stored, keep: false, because: [failure ? 'failed its verification' : 'no rule keeps it'] }
  })
}

const safetyMs = 7 * 86_400_000

type Keep = (backup: StoredBackup | undefined, because: string) => void

interface Rule {
  readonly name: Exclude<keyof KeepPolicy, 'withinMs'>
  /** Two backups with the same slot: one of them is enough. */
  readonly slot: (moment: Temporal.ZonedDateTime, position: number) => string
}

const rules: readonly Rule[] = [
  { name: 'last', slot: (_, position) => String(position) },
  { name: 'hourly', slot: m => `${m.year} ${m.dayOfYear} ${m.hour}` },
  { name: 'daily', slot: m => `${m.year} ${m.dayOfYear}` },
  { name: 'weekly', slot: m => `${m.yearOfWeek} ${m.weekOfYear}` },
  { name: 'monthly', slot: m => `${m.year} ${m.month}` },
  { name: 'yearly', slot: m => `${m.year}` },
]

function applyRule(
  rule: Rule,
  count: number | undefined,
  backups: readonly StoredBackup[],
  timeZone: string,
  keep: Keep,
): void {
  let left = count ?? 0
  let last = ''
  for (const [position, backup] of backups.entries()) {
    if (left <= 0) return
    const { createdAt } = backup.manifest
    const moment = Temporal.Instant.fromEpochMilliseconds(createdAt.getTime()).toZonedDateTimeISO(timeZone)
    const slot = rule.slot(moment, position)
    // If the rule is not used up, the oldest is kept too, for the longest history.
    if (slot === last && position < backups.length - 1) continue
    keep(backup, slot === last ? `oldest ${rule.name}` : rule.name)
    last = slot
    left--
  }
}

function applyWithin(withinMs: number | undefined, backups: readonly StoredBackup[], keep: Keep): void {
  const [newest] = backups
  if (withinMs === undefined || newest === undefined) return
  const from = newest.manifest.createdAt.getTime()
  for (const backup of backups) {
    if (backup.manifest.createdAt.getTime() > from - withinMs) keep(backup, 'within')
  }
}
