/**
 * Checks that the days, hours and minutes of each key add up to the same. Each use is written to all three in one
 * transaction, so a difference means that another program wrote to the file, or a bug.
 */
import type { UsageCheck } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { counterNames, type UsageCounts } from '../../db/facts.ts'
import { and, asc, eq, gte, lt, or, type SQL, sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { carriedUsage, days, departed, hours, minutes, series } from '../../db/schema/usage.ts'
import { dayMs, hourMs, minuteMs } from '../../db/spans.ts'
import * as audit from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { parse } from '../rules/input.ts'
import { type CheckOptions, checkOptions } from './input.ts'
import {
  type BucketTable,
  carriedCounts,
  counterColumns,
  counting,
  eachCounter,
  listed,
  mainCounts,
  summed,
} from './sum.ts'

interface Difference {
  readonly key: { readonly id: string; readonly name: string }
  /** By its days. */
  readonly total: UsageCounts
  /** By the narrowest buckets that are kept. */
  readonly recorded: UsageCounts
}

/** Compares the totals of every key with its recorded usage; `repair` corrects and audits differences. @throws invalid */
export function checkUsage(context: OperationContext, options: CheckOptions = {}): Promise<UsageCheck> {
  if (!parse(checkOptions, options).repair) {
    return context.store.read(async db => report(await countOf(db), await differences(db), false))
  }
  return context.store.write(db =>
    // Nobody may count between what is compared and what is corrected.
    db.bulk(async () => {
      const found = await differences(db)
      for (const { key, total, recorded } of found) {
        await addUpAgain(db, key.id)
        await audit.record(context, db, {
          action: 'usage.repair',
          target: { type: 'key', id: key.id, name: key.name },
          before: mainCounts(total),
          after: mainCounts(recorded),
        })
      }
      return report(await countOf(db), found, true)
    }),
  )
}

/** Keys whose days differ from their hours, or these from their minutes, in the time that both are kept; oldest first. */
export async function differences(db: Database): Promise<readonly Difference[]> {
  const { minutesFrom, hoursFrom } = await db.facts.retention()
  // By which sign each part counts: in the total, in what is recorded, in what hours differ by, and in what minutes do.
  const parts = sql.join(
    [
      partOf(days, [1, 1, 0, 0], lt(days.start, hoursFrom / dayMs)),
      partOf(days, [1, 0, 1, 0], gte(days.start, hoursFrom / dayMs)),
      partOf(
        hours,
        [0, 1, -1, 0],
        and(gte(hours.start, hoursFrom / hourMs), lt(hours.start, minutesFrom / hourMs)),
      ),
      partOf(hours, [0, 0, -1, 1], gte(hours.start, minutesFrom / hourMs)),
      partOf(minutes, [0, 1, 0, -1], gte(minutes.start, minutesFrom / minuteMs)),
      sql`SELECT ${carriedUsage.keyId}, 1, 1, 0, 0, ${carriedCounts} FROM ${carriedUsage}`,
    ],
    sql` UNION ALL `,
  )
  const signed = (sign: SQL) => eachCounter(name => totalOf(sql`${counterColumns[name]} * ${sign}`))
  const differs = (sign: SQL) => counterNames.map(name => sql`${signed(sign)[name]} <> 0`)
  const rows = await db
    .select({
      key: {
        id: sql<string>`parts.key_id`,
        name: sql<string>`coalesce(min(${keys.name}), min(${departed.name}), parts.key_id)`,
      },
      total: signed(sql`in_total`),
      recorded: signed(sql`in_recorded`),
    })
    .from(sql`(${parts}) AS parts`)
    .leftJoin(keys, eq(keys.id, sql`parts.key_id`))
    .leftJoin(departed, eq(departed.id, sql`parts.key_id`))
    .groupBy(sql`parts.key_id`)
    .having(or(...differs(sql`by_hours`), ...differs(sql`by_minutes`)))
    .orderBy(asc(sql`parts.key_id`))
  return rows
}

/** The index has series in the order of their keys, so each sum is done before the next begins. */
const partOf = (table: BucketTable, signs: readonly number[], inside: SQL | undefined): SQL => {
  const [total, recorded, byHours, byMinutes] = signs
  return sql`SELECT ${series.keyId} AS key_id, ${total} AS in_total, ${recorded} AS in_recorded,
      ${byHours} AS by_hours, ${byMinutes} AS by_minutes, ${named}
    FROM ${series} CROSS JOIN ${table}
    WHERE ${and(eq(table.series, series.id), counting, inside)} GROUP BY ${series.keyId}`
}

const named = listed(eachCounter(name => sql`${summed[name]} AS ${counterColumns[name]}`))

/** Makes the hours of a key what its minutes say, and its days what its hours say, as far as they are kept. */
async function addUpAgain(db: Database, keyId: string): Promise<void> {
  const { minutesFrom, hoursFrom } = await db.facts.retention()
  const sums = listed(summed)
  const columns = listed(counterColumns)
  const set = listed(eachCounter(name => sql`${counterColumns[name]} = excluded.${counterColumns[name]}`))
  const own = sql`series IN (SELECT ${series.id} FROM ${series} WHERE ${eq(series.keyId, keyId)})`
  const wider = async (to: typeof hours | typeof days, from: BucketTable, size: number, first: number) => {
    const start = sql`(start - (start % ${size} + ${size}) % ${size}) / ${size}`
    const last = to === days ? { column: sql`, last_at`, value: sql`, max(start) * ${hourMs}` } : undefined
    await db.run(sql`DELETE FROM ${to} WHERE ${own} AND start >= ${first} AND NOT EXISTS (
      SELECT 1 FROM ${from} AS part WHERE part.series = ${to.series} AND part.model = ${to.model}
        AND part.start >= ${to.start} * ${size} AND part.start < (${to.start} + 1) * ${size})`)
    await db.run(sql`INSERT INTO ${to} (series, start, model, ${columns}${last?.column})
      SELECT series, ${start} AS wide, model, ${sums}${last?.value} FROM ${from}
      WHERE ${own} AND start >= ${first * size} GROUP BY series, wide, model
      ON CONFLICT (series, start, model) DO UPDATE SET ${set}`)
  }
  await wider(hours, minutes, 60, minutesFrom / hourMs)
  await wider(days, hours, 24, hoursFrom / dayMs)
}

/** Those that were deleted since are checked too. */
async function countOf(db: Database): Promise<number> {
  const [row] = await db
    .select({ count: sql<number>`count(*)` })
    .from(
      sql`(SELECT ${keys.id} FROM ${keys} UNION SELECT ${series.keyId} FROM ${series} WHERE ${eq(series.pending, 0)}) AS checked`,
    )
  return row?.count ?? 0
}

function report(count: number, found: readonly Difference[], repaired: boolean): UsageCheck {
  return {
    ok: repaired || found.length === 0,
    keys: count,
    repaired: repaired && found.length > 0,
    differences: found.map(({ key, total, recorded }) => ({
      key,
      total: mainCounts(total),
      recorded: mainCounts(recorded),
    })),
  }
}
