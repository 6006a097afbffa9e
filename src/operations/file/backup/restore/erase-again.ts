/** Nobody who was erased comes back with a backup: whoever the current database or its backups name is erased in the copy. */

import { inArray } from '../../../../db/query.ts'
import { users } from '../../../../db/schema/people.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { databaseOn } from '../../../../db/sqlite/drizzle.ts'
import { erasedUsers } from '../../../../db/sqlite/inspect.ts'
import type { FileContext } from '../../../context.ts'
import { eraseRows } from '../../../people/erase.ts'
import { type StoredBackup, survey } from '../manifest.ts'
import { recordInside } from '../trail.ts'
import { ifReadable, type Live } from './live.ts'

/** The ids of users who were erased, as the current database knows; if it cannot be read, as its backups beside this one do. */
export async function erasedSince(
  path: string,
  state: Live['state'],
  { location, manifest: { database }, among }: StoredBackup,
): Promise<readonly string[]> {
  const known = ifReadable(path, erasedUsers) ?? []
  const id = database?.id ?? null
  if (state === 'readable' || id === null) return known
  const backups = among ?? (await survey(location)).backups
  const own = backups.filter(({ manifest }) => manifest.database?.id === id)
  return [...new Set([...known, ...own.flatMap(({ manifest }) => manifest.erased)])]
}

/** Erases those who are in the copy, within the caller's transaction, with an audit row for each. */
export async function eraseAgain(
  context: FileContext,
  client: Client,
  erased: readonly string[],
): Promise<void> {
  if (erased.length === 0) return
  const db = databaseOn(client)
  const known = new Set(erasedUsers(client))
  const again = erased.filter(id => !known.has(id))
  for (const user of await db.select().from(users).where(inArray(users.id, again))) {
    const { event } = await eraseRows(context, db, user)
    recordInside(context, client, event)
  }
  const keep = client.query('INSERT OR IGNORE INTO erased (id, at) VALUES (?, ?)')
  for (const id of erased) keep.run(id, context.now().getTime())
}
