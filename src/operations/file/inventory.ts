/** Counts for monitors that ask every few seconds: no names, and no reading of single requests. */
import { keyDenials } from '../../contract/views/words.ts'
import type { Inventory, KeyStatus } from '../../contract/views.ts'
import { sql } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import type { OperationContext } from '../context.ts'
import { allDenials } from '../keys/denial-counts.ts'
import { hasStatus } from '../keys/status-condition.ts'
import { lifeOf, mainCounts, summed } from '../usage/sum.ts'

/** Reads every key once. @throws corrupt, busy */
export async function takeInventory({ store, now }: OperationContext): Promise<Inventory> {
  const at = now()
  const keysWith = (status: KeyStatus) => sql<number>`count(*) FILTER (WHERE ${hasStatus(status, at)})`
  const { byStatus, used, denied } = await store.read(async db => {
    const [byStatus] = await db
      .select({
        active: keysWith('active'),
        disabled: keysWith('disabled'),
        expired: keysWith('expired'),
        revoked: keysWith('revoked'),
        user_disabled: keysWith('user_disabled'),
        project_archived: keysWith('project_archived'),
      })
      .from(keys)
    const [used] = await db.select(summed).from(lifeOf())
    return { byStatus, used, denied: await allDenials(db) }
  })
  const { bytes: sizeBytes, walBytes } = await store.size()
  if (byStatus === undefined || used === undefined) throw new Error('a sum without a row')
  return {
    keys: byStatus,
    used: { ...mainCounts(used), unpricedRequests: used.unpricedRequests },
    denials: denials(denied),
    sizeBytes,
    walBytes,
  }
}

const denials = (counted: ReadonlyMap<string, number>): Inventory['denials'] =>
  Object.fromEntries(keyDenials.map(code => [code, counted.get(code) ?? 0])) as Inventory['denials']
