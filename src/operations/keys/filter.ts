/** Which keys are meant: a filter as a condition of a query. */

import * as v from 'valibot'
import { keyStatuses } from '../../contract/views/words.ts'
import type { KeyStatus } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, holdsPattern, isNull, lte, oneOf, or, type SQL, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import * as rules from '../rules/input.ts'
import { contains, find } from '../select.ts'
import { keysOver } from './over.ts'
import { hasStatus } from './status-condition.ts'

/** Every condition that is given must hold. */
export interface KeyFilter {
  /** Keys with this status. */
  readonly status?: KeyStatus | undefined
  /** Keys of this user. */
  readonly user?: string | undefined
  /** Keys of this project. */
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

const milliseconds = v.optional(rules.count)

/** What it may hold. */
export const keyFilter = v.object({
  status: v.optional(v.picklist(keyStatuses, `must be one of ${keyStatuses.join(', ')}`)),
  user: v.optional(v.string()),
  project: v.optional(v.string()),
  scope: v.optional(rules.scopeName),
  model: v.optional(rules.modelName),
  expiresWithinMs: milliseconds,
  unusedForMs: milliseconds,
  overPercent: v.optional(
    v.pipe(v.number('must be a number'), v.minValue(0, 'must not be negative'), v.finite('must be finite')),
  ),
  search: v.optional(v.string()),
})

/** The condition of a filter. @throws invalid, not_found, ambiguous */
export async function conditionOf(db: Database, now: Date, input: KeyFilter): Promise<SQL | undefined> {
  rules.requireWords(input)
  const filter = rules.parse(keyFilter, input)
  const user = filter.user === undefined ? undefined : await find(db, 'user', filter.user)
  const project = filter.project === undefined ? undefined : await find(db, 'project', filter.project)
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
