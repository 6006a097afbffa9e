/** Finding and showing keys. */
import { and, eq, gt, isNotNull, isNull, lte, or, type SQL } from 'drizzle-orm'
import type { Key, KeyStatus } from '../../contract/views.ts'
import { keys } from '../../db/schema.ts'
import type { OperationContext } from '../context.ts'
import { contains, findKey, findProject, findUser, type KeySelector } from '../select.ts'
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
