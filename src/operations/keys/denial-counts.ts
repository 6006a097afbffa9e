/** Reads the denials that `denials.ts` has counted. */
import type { Denial, DeniedCode } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, desc, eq, gte, lte, sql, totalOf } from '../../db/query.ts'
import { denials } from '../../db/schema/usage.ts'
import { startOfDay } from './denials.ts'

/** Denials of a key in the days from `since` to `until`, by code, the latest first. */
export async function denialsOf(
  db: Database,
  keyId: string,
  since: Date,
  until: Date,
): Promise<readonly Denial[]> {
  const lastAt = sql<number>`max(${denials.lastAt})`
  const rows = await db
    .select({ code: denials.code, count: totalOf(denials.count), lastAt })
    .from(denials)
    .where(
      and(
        eq(denials.keyId, keyId),
        gte(denials.start, startOfDay(since.getTime())),
        lte(denials.start, until.getTime()),
      ),
    )
    .groupBy(denials.code)
    .orderBy(desc(lastAt), asc(denials.code))
  return rows.map(row => ({ ...row, code: row.code as DeniedCode, lastAt: new Date(row.lastAt) }))
}

/** Denials of all keys together, by code. */
export async function allDenials(db: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .select({ code: denials.code, count: totalOf(denials.count) })
    .from(denials)
    .groupBy(denials.code)
  return new Map(rows.map(({ code, count }) => [code, count]))
}
