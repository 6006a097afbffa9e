/** Nobody who was erased comes back with a backup: the ledger of the current database is applied to the copy. */

import { inArray } from '../../../../db/query.ts'
import { users } from '../../../../db/schema/people.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { databaseOn } from '../../../../db/sqlite/drizzle.ts'
import type { FileContext } from '../../../context.ts'
import { eraseRows } from '../../../people/erase.ts'
import { recordInside } from '../trail.ts'
import { ifReadable } from './live.ts'

/** The ids of users who were erased. None if the database cannot be read, or is older than the ledger. */
export const erasedIn = (path: string): readonly string[] =>
  ifReadable(path, client =>
    (client.query('SELECT id FROM erased').all() as { id: string }[]).map(({ id }) => id),
  ) ?? []

/** Erases those who are in the copy, within the caller's transaction, with an audit row for each. */
export async function eraseAgain(
  context: FileContext,
  client: Client,
  erased: readonly string[],
): Promise<void> {
  if (erased.length === 0) return
  const db = databaseOn(client)
  const known = new Set((client.query('SELECT id FROM erased').all() as { id: string }[]).map(({ id }) => id))
  const again = erased.filter(id => !known.has(id))
  for (const user of await db.select().from(users).where(inArray(users.id, again))) {
    const { event } = await eraseRows(db, user, context.now())
    recordInside(context, client, event)
  }
  const keep = client.query('INSERT OR IGNORE INTO erased (id, at) VALUES (?, ?)')
  for (const id of erased) keep.run(id, context.now().getTime())
}
