/** Sessions and verifications that have expired are of no use to anybody. */

import type { Optimized } from '../../contract/views.ts'
import { lte } from '../../db/query.ts'
import { sessions, verifications } from '../../db/schema/accounts.ts'
import { record } from '../audit.ts'
import { removeUnreferenced } from '../content/contents.ts'
import type { BesideContext, OperationContext } from '../context.ts'

/** All that there is to do for a database on a server. */
export const dropExpired = async (context: BesideContext): Promise<Optimized> => ({
  path: context.path,
  statements: [...(await pruneExpired(context)), ...(await removeUnreferenced(context))],
})

/** Deletes them. Returns the statements that deleted something. */
export function pruneExpired(context: OperationContext): Promise<readonly string[]> {
  const at = context.now().getTime()
  return context.store.write(async db => {
    const expired = { sessions: lte(sessions.expiresAt, at), verifications: lte(verifications.expiresAt, at) }
    const after = {
      sessions: await db.$count(sessions, expired.sessions),
      verifications: await db.$count(verifications, expired.verifications),
    }
    const gone = Object.entries(after).filter(([, count]) => count > 0)
    if (gone.length === 0) return []
    await db.delete(sessions).where(expired.sessions)
    await db.delete(verifications).where(expired.verifications)
    const target = { type: 'database', id: 'sessions', name: null }
    await record(context, db, { action: 'database.prune', target, after })
    return gone.map(([table]) => `DELETE FROM ${table} WHERE expires_at <= ${at}`)
  })
}
