/** The imports there were, and which of them one means. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { ImportSummary } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, desc, eq, gte, lt } from '../../db/query.ts'
import { imports } from '../../db/schema/imports.ts'
import type { OperationContext } from '../context.ts'
import { looksLikeId } from '../rules/ids.ts'
import { read } from './state.ts'

export type ImportRow = typeof imports.$inferSelect

/** Newest first. */
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
export async function findImport(db: Database, selector: string): Promise<ImportRow> {
  const text = selector.toLowerCase()
  const rows = looksLikeId(text, 'imp')
    ? await db
        .select()
        .from(imports)
        // The tilde sorts after every character of an id.
        .where(
          text.length === idLength
            ? eq(imports.id, text)
            : and(gte(imports.id, text), lt(imports.id, `${text}~`)),
        )
        .limit(2)
    : []
  const [row, second] = rows
  if (!row) {
    throw new LatchkeyError('not_found', 'no import has that id', 'see them with: latchkey import list')
  }
  if (second) {
    throw new LatchkeyError(
      'ambiguous',
      `more than one import has an id that begins so: ${row.id}, ${second.id}`,
      `use a whole id, for example: ${row.id}`,
    )
  }
  return row
}

const idLength = 'imp_'.length + 26

const countsSchema = v.object({
  created: v.number(),
  updated: v.number(),
  unchanged: v.number(),
  refused: v.number(),
})

export function summaryOf(row: ImportRow): ImportSummary {
  return {
    id: row.id,
    source: row.source,
    at: new Date(row.at),
    ...read(countsSchema, row.report, row.id),
    undoneAt: row.undoneAt === null ? null : new Date(row.undoneAt),
  }
}
