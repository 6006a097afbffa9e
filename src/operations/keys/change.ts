/** Changing keys: fields, status, secrets. Every change and its audit row commit together. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, Key } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { idsOf, oneOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { erased } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { changeLimits, requireOneMeaning } from '../limits/change.ts'
import type { Row } from '../nouns.ts'
import { findRecipient } from '../people/recipient.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { type Changes, Thing } from '../thing.ts'
import { requireFreeName, requireFuture } from './create.ts'
import { type KeyChanges, keyChanges, type RevokeOptions, revokeOptions } from './input.ts'
import { keyViews } from './view.ts'

/** @throws not_found, ambiguous, invalid, conflict */
export async function updateKey(
  context: OperationContext,
  selector: KeySelector,
  input: KeyChanges,
): Promise<Changed<Key>> {
  const changes = parseKeyChanges(context, input)
  return key.change(context, selector, 'update', async (db, row) => {
    if (changes.name !== undefined) await requireFreeName(db, changes.name, row.id)
    await changeLimits(context, db, { type: 'key', id: row.id }, changes)
    return columnsOf(db, changes)
  })
}

/** @throws invalid */
export function parseKeyChanges(context: OperationContext, input: KeyChanges) {
  const changes = rules.parseChanges(keyChanges, input)
  requireFuture(changes.expiresAt, context.now())
  requireOneMeaning(changes)
  return changes
}

/** The columns that a change sets in the key's row. @throws not_found, ambiguous for the user or project; conflict (the user was erased) */
export async function columnsOf(
  db: Database,
  {
    user,
    project,
    expiresAt,
    scopes,
    limits: _,
    removeLimits: __,
    ...fields
  }: ReturnType<typeof parseKeyChanges>,
): Promise<Changes<'key'>> {
  return {
    ...fields,
    ...(scopes === undefined ? {} : { scopes: scopes ?? [] }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt?.getTime() ?? null }),
    ...(user === undefined ? {} : { userId: user === null ? null : (await findRecipient(db, user)).id }),
    ...(project === undefined
      ? {}
      : { projectId: project === null ? null : (await find(db, 'project', project)).id }),
  }
}

/**
 * Revokes a key for good. Its row, history and name stay. Revoking it again changes nothing.
 *
 * @throws not_found, ambiguous, invalid
 */
export async function revokeKey(
  context: OperationContext,
  selector: KeySelector,
  options: RevokeOptions = {},
): Promise<Changed<Key>> {
  const { reason } = rules.parse(revokeOptions, options)
  return key.change(context, selector, 'revoke', async (_, row) =>
    row.revokedAt === null ? { revokedAt: context.now().getTime(), revokedReason: reason ?? null } : {},
  )
}

/** Turns a key off until it is enabled. @throws not_found, ambiguous, conflict (it is revoked) */
export function disableKey(context: OperationContext, selector: KeySelector): Promise<Changed<Key>> {
  return key.change(context, selector, 'disable', async (_, row) => {
    requireNotRevoked(row, 'disabled')
    return { disabledAt: row.disabledAt ?? context.now().getTime() }
  })
}

/** @throws not_found, ambiguous, conflict (it is revoked) */
export function enableKey(context: OperationContext, selector: KeySelector): Promise<Changed<Key>> {
  return key.change(context, selector, 'enable', async (_, row) => {
    requireNotRevoked(row, 'enabled')
    return { disabledAt: null }
  })
}

/** Deletes a key with its secrets and limits. What it used stays. @throws not_found, ambiguous */
export async function deleteKey(context: OperationContext, selector: KeySelector): Promise<Changed<Key>> {
  return erased(await key.erase(context, selector))
}

export const key = new Thing('key', async (db, rows, now) => {
  const views = await keyViews(db, now, { where: oneOf(keys.id, idsOf(rows)) })
  const viewOf = new Map(views.map(view => [view.id, view]))
  return rows.flatMap(({ id }) => viewOf.get(id) ?? [])
})

function requireNotRevoked(row: Row<'key'>, participle: string): void {
  if (row.revokedAt === null) return
  throw new LatchkeyError(
    'conflict',
    `${row.name} (${row.id}) is revoked, which is final: it cannot be ${participle}`,
    'create another key with: latchkey key create',
  )
}
