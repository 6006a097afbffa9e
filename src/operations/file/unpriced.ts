/** Checks for costs that nobody knows, where somebody counts them. */
import type { Database } from '../../db/engine.ts'
import { and, desc, eq, gte, totalOf } from '../../db/query.ts'
import { limits } from '../../db/schema/limits.ts'
import { days, models, prices, series } from '../../db/schema/usage.ts'
import { counting } from '../usage/sum.ts'
import { type Check, ok, warning } from './check.ts'

const recentDays = 30

export async function unpricedModels(db: Database, now: Date): Promise<Check> {
  const [limit] = await db.select({ id: limits.id }).from(limits).where(eq(limits.metric, 'usd')).limit(1)
  const [price] = await db.select({ model: prices.model }).from(prices).limit(1)
  if (limit === undefined && price === undefined) return ok('prices', null)
  const requests = totalOf(days.unpricedRequests)
  const found = await db
    .select({ model: models.name, requests })
    .from(days)
    .innerJoin(series, eq(series.id, days.series))
    .innerJoin(models, eq(models.id, days.model))
    .where(and(counting, gte(days.unpricedRequests, 1), gte(days.start, dayOf(now) - recentDays)))
    .groupBy(models.name)
    .orderBy(desc(requests))
  const [first] = found
  if (first === undefined) return ok('prices', { models: [] })
  const others = found.length > 1 ? ` and ${found.length - 1} more` : ''
  const name = first.model === '' ? 'requests without a model' : first.model
  return warning(
    'prices',
    { models: found },
    `${name}${others} had no price in the last ${recentDays} days, so that use has no cost and counts in no dollar limit`,
    'set a price with: latchkey usage price set MODEL --input 2.50 --output 10, or import prices with: latchkey usage price import',
  )
}

const dayOf = (moment: Date): number => Math.floor(moment.getTime() / 86_400_000)
