/** What the audit trail keeps of users, projects and keys that an import, or its undoing, changes. */

import type { ImportedNoun } from '../../contract/nouns.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { inArray, rendered, sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { keyViews } from '../keys/view.ts'
import { projectViews } from '../people/projects.ts'
import { userViews } from '../people/users.ts'
import { type RowProgress, unheard } from '../progress.ts'
import { toDollars } from '../rules/money.ts'

/** The view of each, by id, oldest first; keys with what they used in all. `tell` hears of those that were read. */
export async function auditViews(
  db: Database,
  now: Date,
  type: ImportedNoun,
  ids: readonly string[],
  tell: RowProgress = unheard,
): Promise<ReadonlyMap<string, object>> {
  const found = new Map<string, object>()
  for (const chunk of inChunks(ids)) {
    for (const view of await viewsOf[type](db, chunk, now)) found.set(view.id, view)
    await tell(chunk.length)
  }
  return found
}

type Views = (db: Database, ids: readonly string[], now: Date) => Promise<readonly { readonly id: string }[]>

const viewsOf: Readonly<Record<ImportedNoun, Views>> = {
  user: async (db, ids) =>
    userViews(
      db,
      await db
        .select()
        .from(users)
        .where(inArray(users.id, [...ids])),
    ),
  project: async (db, ids) =>
    projectViews(
      db,
      await db
        .select()
        .from(projects)
        .where(inArray(projects.id, [...ids])),
    ),
  key: async (db, ids, now) => {
    const chunk = inArray(keys.id, [...ids])
    const used = await db
      .select({
        id: keys.id,
        tokens: sql<number>`${keys.inputTokens} + ${keys.outputTokens} + ${keys.otherTokens}`,
        requests: keys.requests,
        costMicros: keys.costMicros,
      })
      .from(keys)
      .where(chunk)
    const byId = new Map(used.map(row => [row.id, row]))
    return keyViews(db, now, { where: rendered(chunk) }).map(view => {
      const row = byId.get(view.id)
      if (!row) throw new Error('a key without a row')
      return { ...view, tokens: row.tokens, requests: row.requests, costUsd: toDollars(row.costMicros) }
    })
  },
}
