/** Finding keys: what a filter means, in which order they come, and where a page begins. Reads only. */
import {
  and,
  asc,
  desc,
  eq,
  gt,
  gte,
  isNotNull,
  isNull,
  lt,
  lte,
  or,
  type SQL,
  type SQLWrapper,
  sql,
} from 'drizzle-orm'
import * as v from 'valibot'
import { type Key, type KeySort, type KeyStatus, keySorts, keyStatuses } from '../../contract/views.ts'
import { holdsPattern, oneOf } from '../../db/conditions.ts'
import { keys, usage } from '../../db/schema.ts'
import type { Database } from '../../db/transaction.ts'
import { addDays, startOfDay } from '../calendar.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../input.ts'
import { contains, findKey, findProject, findUser, type KeySelector } from '../select.ts'
import { keysOver } from './over.ts'
import { type FlatKey, keyQuery, keyView, keyViews, withLimits } from './view.ts'

/** Every condition that is given must hold. */
export interface KeyFilter {
  readonly status?: KeyStatus | undefined
  readonly user?: string | undefined
  readonly project?: string | undefined
  /** Keys whose scopes grant this one, as `verify` decides. */
  readonly scope?: string | undefined
  /** Keys that a request can reach this model with: their override, or allowed for want of one. */
  readonly model?: string | undefined
  /** Active or disabled keys whose expiry lies at most so many milliseconds ahead. */
  readonly expiresWithinMs?: number | undefined
  /** Keys that were last used, or for want of a use created, at least so many milliseconds ago. */
  readonly unusedForMs?: number | undefined
  /** Keys of which at least one limit of their own is used up to this percentage or beyond. */
  readonly overPercent?: number | undefined
  /** Part of a name. */
  readonly search?: string | undefined
}

export interface KeyPage extends KeyFilter {
  /** Default: the order in which they were made here. What is never comes last, in both directions. */
  readonly sort?: KeySort | undefined
  readonly descending?: boolean | undefined
  /** At most this many. */
  readonly limit?: number | undefined
  /** Only what comes after this key in the order asked for; keys made or erased meanwhile move no page. */
  readonly after?: KeySelector | undefined
}

const milliseconds = v.optional(rules.count)

const keyFilter = v.object({
  status: v.optional(v.picklist(keyStatuses, `must be one of ${keyStatuses.join(', ')}`)),
  user: v.optional(v.string()),
  project: v.optional(v.string()),
  scope: v.optional(v.string()),
  model: v.optional(v.string()),
  expiresWithinMs: milliseconds,
  unusedForMs: milliseconds,
  overPercent: v.optional(
    v.pipe(v.number('must be a number'), v.minValue(0, 'must not be negative'), v.finite('must be finite')),
  ),
  search: v.optional(v.string()),
})

const keyPage = v.object({
  ...keyFilter.entries,
  sort: v.optional(v.picklist(keySorts, `must be one of ${keySorts.join(', ')}`)),
  descending: v.optional(v.boolean()),
  limit: v.optional(v.pipe(rules.count, v.minValue(1, 'must be at least 1'))),
})

/** @throws invalid; not_found, ambiguous for the user, the project or the key to begin after */
export function listKeys(context: OperationContext, page: KeyPage = {}): Promise<readonly Key[]> {
  const { limit } = rules.parse(keyPage, page)
  return context.store.read(async db => {
    const now = context.now()
    const { where, order } = await pageOf(db, now, page)
    return keyViews(db, now, where, order, limit)
  })
}

const batchSize = 2_000

/**
 * The same keys one after another, all of them as they were when the first was read, in constant memory. Other
 * operations may go on meanwhile.
 *
 * @throws as `listKeys`, when the first is read
 */
export async function* streamKeys(context: OperationContext, page: KeyPage = {}): AsyncGenerator<Key> {
  const { limit } = rules.parse(keyPage, page)
  for await (const batch of context.store.stream(async function* ({ database, rows }) {
    const now = context.now()
    const { where, order } = await pageOf(database, now, page)
    const query = keyQuery(database, where, order)
    let batch: FlatKey[] = []
    for (const row of rows<FlatKey>(limit === undefined ? query : query.limit(limit))) {
      batch.push(row)
      if (batch.length < batchSize) continue
      yield await withLimits(database, now, batch)
      batch = []
    }
    yield await withLimits(database, now, batch)
  })) {
    yield* batch
  }
}

/** @throws not_found, ambiguous */
export function getKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return context.store.read(async db => keyView(db, context.now(), (await findKey(db, selector)).id))
}

export interface ActivityOptions {
  /** Days, the one of now included; default 14. */
  readonly days?: number | undefined
  /** IANA name; where days begin. Default UTC. */
  readonly timeZone?: string | undefined
}

/** Tokens by day, oldest first, of each of these keys that used any. @throws invalid for a zone that there is not */
export async function keyActivity(
  context: OperationContext,
  ids: readonly string[],
  { days = 14, timeZone = 'UTC' }: ActivityOptions = {},
): Promise<ReadonlyMap<string, readonly number[]>> {
  const today = startOfDay(context.now(), timeZone)
  const starts = Array.from({ length: days }, (_, index) => addDays(today, index + 1 - days, timeZone))
  const [first = today] = starts
  // Which day a bucket belongs to: how many of the later ones have begun by then.
  const day = sql<number>`0 ${sql.join(
    starts.slice(1).map(start => sql`+ (${usage.start} >= ${start.getTime()})`),
    sql` `,
  )}`
  const found = new Map<string, number[]>()
  await context.store.read(async db => {
    const rows = await db
      .select({
        keyId: usage.keyId,
        day: day.as('day'),
        tokens: sql<number>`sum(${usage.inputTokens} + ${usage.outputTokens} + ${usage.otherTokens})`,
      })
      .from(usage)
      .where(and(gte(usage.start, first.getTime()), oneOf(usage.keyId, ids)))
      .groupBy(usage.keyId, sql`day`)
    for (const row of rows) {
      const series = found.get(row.keyId) ?? Array<number>(days).fill(0)
      series[row.day] = row.tokens
      found.set(row.keyId, series)
    }
  })
  return found
}

/** The condition of a filter. @throws invalid, not_found, ambiguous */
export async function conditionOf(db: Database, now: Date, input: KeyFilter): Promise<SQL | undefined> {
  const filter = rules.parse(keyFilter, input)
  const user = filter.user === undefined ? undefined : await findUser(db, filter.user)
  const project = filter.project === undefined ? undefined : await findProject(db, filter.project)
  const { scope, model, expiresWithinMs, unusedForMs, overPercent } = filter
  const where = and(
    filter.status && hasStatus(filter.status, now),
    user && eq(keys.userId, user.id),
    project && eq(keys.projectId, project.id),
    scope === undefined ? undefined : holdsPattern(keys.scopes, scope),
    model === undefined ? undefined : reachesModel(model),
    expiresWithinMs === undefined
      ? undefined
      : and(
          isNull(keys.revokedAt),
          gt(keys.expiresAt, now.getTime()),
          lte(keys.expiresAt, now.getTime() + expiresWithinMs),
        ),
    unusedForMs === undefined
      ? undefined
      : lte(sql`coalesce(${keys.lastUsedAt}, ${keys.createdAt})`, now.getTime() - unusedForMs),
    contains([keys.name], filter.search),
  )
  if (overPercent === undefined) return where
  return and(where, oneOf(keys.id, await keysOver(db, now, overPercent, where)))
}

/** A key's own model replaces the one asked for, and must be allowed like any other. */
const reachesModel = (model: string): SQL | undefined =>
  and(
    or(isNull(keys.model), eq(keys.model, model)),
    or(isNull(keys.allowedModels), holdsPattern(keys.allowedModels, model)),
  )

/** `statusOf` as a condition. */
export function hasStatus(status: KeyStatus, now: Date): SQL | undefined {
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

const sortedBy: Readonly<Record<KeySort, SQLWrapper>> = {
  name: sql`lower(${keys.name})`,
  created: keys.createdAt,
  expires: keys.expiresAt,
  'last-used': keys.lastUsedAt,
  tokens: sql`${keys.inputTokens} + ${keys.outputTokens} + ${keys.otherTokens}`,
  cost: keys.costMicros,
}

interface Page {
  readonly where: SQL | undefined
  readonly order: readonly SQL[]
}

async function pageOf(db: Database, now: Date, page: KeyPage): Promise<Page> {
  const where = await conditionOf(db, now, page)
  const { sort, descending = false } = page
  const direction = descending ? desc : asc
  const value = sort && sql`${sortedBy[sort]}`
  const order = value ? [sql`${value} IS NULL`, direction(value), direction(keys.id)] : [direction(keys.id)]
  if (page.after === undefined) return { where, order }
  const { id } = await findKey(db, page.after)
  return { where: and(where, await beyond(db, id, value, descending ? lt : gt)), order }
}

/** What comes after a key: a greater value, the same value and a greater id, or no value at all. */
async function beyond(
  db: Database,
  id: string,
  value: SQL | undefined,
  further: typeof lt | typeof gt,
): Promise<SQL | undefined> {
  if (value === undefined) return further(keys.id, id)
  const [row] = await db
    .select({ value: sql<unknown>`${value}` })
    .from(keys)
    .where(eq(keys.id, id))
    .limit(1)
  const last = row?.value ?? null
  if (last === null) return and(isNull(value), further(keys.id, id))
  return or(further(value, last), and(eq(value, last), further(keys.id, id)), isNull(value))
}
