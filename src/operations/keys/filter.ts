/** Turns a filter of keys into a condition of a query. */

import type { Database } from '../../db/engine.ts'
import { and, eq, gt, holdsPattern, inArray, isNull, lte, oneOf, or, type SQL, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects } from '../../db/schema/people.ts'
import * as rules from '../rules/input.ts'
import { contains, find } from '../select.ts'
import { lastUseOfKey } from '../usage/sum.ts'
import { type KeyFilter, keyFilter } from './input.ts'
import { keysOver } from './over.ts'
import { hasStatus } from './status-condition.ts'

/** @throws invalid */
export const parseFilter = (given: KeyFilter): KeyFilter => rules.parseFilter(keyFilter, given)

/** @param filter from `parseFilter`. @throws not_found, ambiguous */
export async function conditionOf(db: Database, now: Date, filter: KeyFilter): Promise<SQL | undefined> {
  const user = filter.user === undefined ? undefined : await find(db, 'user', filter.user)
  const project = filter.project === undefined ? undefined : await find(db, 'project', filter.project)
  const org = filter.org === undefined ? undefined : await find(db, 'org', filter.org)
  const { scope, model, expiresWithinMs, unusedForMs, overPercent } = filter
  const where = and(
    filter.status && hasStatus(filter.status, now),
    user && eq(keys.userId, user.id),
    project && eq(keys.projectId, project.id),
    org &&
      inArray(
        keys.projectId,
        db.select({ id: projects.id }).from(projects).where(eq(projects.organizationId, org.id)),
      ),
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
      : lte(sql`coalesce(${lastUseOfKey}, ${keys.createdAt})`, now.getTime() - unusedForMs),
    contains([keys.name], filter.search),
  )
  if (overPercent === undefined) return where
  return and(where, oneOf(keys.id, await keysOver(db, now, overPercent, where)))
}

/** A key's own model replaces the requested one, but must be allowed too. */
const reachesModel = (model: string): SQL | undefined =>
  and(
    or(isNull(keys.model), eq(keys.model, model)),
    or(isNull(keys.allowedModels), holdsPattern(keys.allowedModels, model)),
  )
