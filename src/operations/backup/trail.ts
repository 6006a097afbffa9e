/** Audit rows of what happens to the database as a whole: in the same transaction as the thing itself. */

import { basename } from 'node:path'
import type { Client } from '../../db/client.ts'
import { audit } from '../../db/schema.ts'
import { databaseOn } from '../../db/transaction.ts'
import type { FileContext } from '../context.ts'
import { newId } from '../ids.ts'

/** Writes one row; a schema that has no audit trail (before its first migration) gets none. */
export function recordInside(
  context: FileContext,
  client: Client,
  event: {
    readonly action: string
    /** Default: the database. */
    readonly target?: { readonly type: string; readonly id: string; readonly name: string | null }
    readonly before?: object
    readonly after?: object
  },
): void {
  if (!client.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit'").get()) return
  const now = context.now()
  const target = event.target ?? { type: 'database', id: basename(context.path), name: null }
  databaseOn(client)
    .insert(audit)
    .values({
      id: newId('aud', now),
      at: now.getTime(),
      actor: context.actor.name,
      origin: context.actor.origin,
      action: event.action,
      targetType: target.type,
      targetId: target.id,
      targetName: target.name,
      before: event.before ?? null,
      after: event.after ?? null,
    })
    .run()
}
