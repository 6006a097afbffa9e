/** Finding and showing keys. */
import { and, eq, gt, isNotNull, isNull, lte, or, type SQL } from 'drizzle-orm'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Key, KeyStatus, Stats, UsagePoint } from '../../contract/views.ts'
import { keys, limits } from '../../db/schema.ts'
import { addDays, startOfDay } from '../calendar.ts'
import type { OperationContext } from '../context.ts'
import { limitStates, sortLimits } from '../limits.ts'
import { contains, findKey, findProject, findUser, type KeySelector } from '../select.ts'
import { addCounts, type Counts, noCounts, shownCounts, usageByQuarterHour } from '../usage/sum.ts'
import { keyView, keyViews } from './view.ts'

export interface KeyFilter {
  readonly status?: KeyStatus | undefined
  readonly user?: string | undefined
  readonly project?: string | undefined
  /** Active or disabled keys whose expiry lies at most so many milliseconds ahead. */
  readonly expiresWithinMs?: number | undefined
  /** Part of a name. */
  readonly search?: string | undefined
}

/** Oldest first. @throws not_found for the user or project */
export function listKeys(context: OperationContext, filter: KeyFilter = {}): Promise<readonly Key[]> {
  const now = context.now()
  return context.store.read(async db => {
    const user = filter.user === undefined ? undefined : await findUser(db, filter.user)
    const project = filter.project === undefined ? undefined : await findProject(db, filter.project)
    return keyViews(
      db,
      now,
      and(
        filter.status && hasStatus(filter.status, now),
        user && eq(keys.userId, user.id),
        project && eq(keys.projectId, project.id),
        filter.expiresWithinMs === undefined
          ? undefined
          : and(
              isNull(keys.revokedAt),
              gt(keys.expiresAt, now.getTime()),
              lte(keys.expiresAt, now.getTime() + filter.expiresWithinMs),
            ),
        contains([keys.name], filter.search),
      ),
    )
  })
}

/** `statusOf` as a condition. */
function hasStatus(status: KeyStatus, now: Date): SQL | undefined {
  const unexpired = or(isNull(keys.expiresAt), gt(keys.expiresAt, now.getTime()))
  switch (status) {
    case 'revoked':
      return isNotNull(keys.revokedAt)
    case 'expired':
      return and(isNull(keys.revokedAt), lte(keys.expiresAt, now.getTime()))
    case 'disabled':
      return and(isNull(keys.revokedAt), unexpired, isNotNull(keys.disabledAt))
    case 'active':
      return and(isNull(keys.revokedAt), unexpired, isNull(keys.disabledAt))
  }
}

/** @throws not_found, ambiguous */
export function getKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return context.store.read(async db => keyView(db, context.now(), (await findKey(db, selector)).id))
}

export interface StatsOptions {
  /** As if it were then; default now. */
  readonly at?: Date | undefined
  /** Days in the series, the one of `at` included; default 14. */
  readonly days?: number | undefined
  /** IANA name; where days begin. Default UTC. */
  readonly timeZone?: string | undefined
}

const longestSeriesDays = 366

/**
 * Totals of all time, each limit as it stands, and use by day.
 *
 * @throws not_found, ambiguous, invalid
 */
export function keyStats(
  context: OperationContext,
  selector: KeySelector,
  options: StatsOptions = {},
): Promise<Stats> {
  const { days = 14, timeZone = 'UTC', at = context.now() } = options
  if (!Number.isInteger(days) || days < 1 || days > longestSeriesDays) {
    throw new LatchkeyError(
      'invalid',
      `days must be from 1 to ${longestSeriesDays}`,
      'for example: --days 30',
    )
  }
  return context.store.read(async db => {
    const row = await findKey(db, selector)
    const rows = await db.select().from(limits).where(eq(limits.keyId, row.id))
    const first = addDays(startOfDay(at, timeZone), 1 - days, timeZone)
    const recent = await usageByQuarterHour(db, {
      since: first,
      until: new Date(at.getTime() + 1),
      keyId: row.id,
    })
    const byDay = new Map<number, Counts>()
    for (const bucket of recent) {
      const day = startOfDay(new Date(Math.max(bucket.start, first.getTime())), timeZone).getTime()
      byDay.set(day, addCounts(byDay.get(day) ?? noCounts, bucket))
    }
    const series: UsagePoint[] = Array.from({ length: days }, (_, index) => {
      const start = addDays(first, index, timeZone)
      return { start, ...shownCounts(byDay.get(start.getTime()) ?? noCounts) }
    })
    return {
      key: await keyView(db, at, row.id),
      totals: shownCounts(row),
      limits: await limitStates(db, sortLimits(rows), row.id, at),
      series,
    }
  })
}
