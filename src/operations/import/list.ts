/** Lists imports and finds one. */

import * as v from 'valibot'
import type { ImportSummary } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { desc } from '../../db/query.ts'
import { imports } from '../../db/schema/imports.ts'
import type { OperationContext } from '../context.ts'
import { dateOrNull } from '../rules/instant.ts'
import { byId, oneById } from '../select.ts'
import { read } from './state.ts'

export type ImportRow = typeof imports.$inferSelect

/** Lists imports, newest first. */
export function listImports(context: OperationContext): Promise<readonly ImportSummary[]> {
  return context.store.read(async db =>
    (await db.select().from(imports).orderBy(desc(imports.id))).map(summaryOf),
  )
}

/** @throws not_found, ambiguous */
export function getImport(context: OperationContext, selector: string): Promise<ImportSummary> {
  return context.store.read(async db => summaryOf(await findImport(db, selector)))
}

/**
 * @param selector an id, or the beginning of one
 * @throws not_found, ambiguous
 */
export const findImport = (db: Database, selector: string): Promise<ImportRow> =>
  oneById('import', byId(imports.id, selector, 'imp'), isMeant =>
    db.select().from(imports).where(isMeant).limit(2),
  )

const countsSchema = v.object({
  created: v.number(),
  updated: v.number(),
  unchanged: v.number(),
  refused: v.number(),
  // Reports from before there were such counts lack them.
  gone: v.optional(v.number(), 0),
  revoked: v.optional(v.number(), 0),
})

export function summaryOf(row: ImportRow): ImportSummary {
  return {
    id: row.id,
    source: row.source,
    at: new Date(row.at),
    ...read(countsSchema, row.report, row.id),
    undoneAt: dateOrNull(row.undoneAt),
  }
}
