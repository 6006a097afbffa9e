/** Counts for monitors that ask every few seconds: no names, and no reading of single requests. */
import { keyDenials } from '../../contract/views/words.ts'
import type { Inventory, KeyStatus } from '../../contract/views.ts'
import { sql, totalOf } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { sizeOf } from '../../system/files.ts'
import type { BesideContext } from '../context.ts'
import { allDenials } from '../keys/denial-counts.ts'
import { hasStatus } from '../keys/status-condition.ts'
import { toDollars } from '../rules/money.ts'

/** Reads every key once. @throws corrupt, busy */
export async function takeInventory({ store, now, path }: BesideContext): Promise<Inventory> {
  const at = now()
  const keysWith = (status: KeyStatus) => sql<number>`count(*) FILTER (WHERE ${hasStatus(status, at)})`
  const { row, denied } = await store.read(async db => {
    const [row] = await db
      .select({
        active: keysWith('active'),
        disabled: keysWith('disabled'),
        expired: keysWith('expired'),
        revoked: keysWith('revoked'),
        user_disabled: keysWith('user_disabled'),
        project_archived: keysWith('project_archived'),
        requests: totalOf(keys.requests),
        inputTokens: totalOf(keys.inputTokens),
        outputTokens: totalOf(keys.outputTokens),
        otherTokens: totalOf(keys.otherTokens),
        costMicros: totalOf(keys.costMicros),
      })
      .from(keys)
    return { row, denied: await allDenials(db) }
  })
  if (row === undefined) throw new Error('a sum without a row')
  const { requests, inputTokens, outputTokens, otherTokens, costMicros, ...byStatus } = row
  return {
    keys: byStatus,
    used: { requests, inputTokens, outputTokens, otherTokens, costUsd: toDollars(costMicros) },
    denials: denials(denied),
    sizeBytes: sizeOf(path),
    walBytes: sizeOf(`${path}-wal`),
  }
}

const denials = (counted: ReadonlyMap<string, number>): Inventory['denials'] =>
  Object.fromEntries(keyDenials.map(code => [code, counted.get(code) ?? 0])) as Inventory['denials']
