/** Usage stays when what used it is deleted, and so do the names that reports show of it. */
import { isLimited, type LimitedNoun, type Noun, nouns } from '../contract/nouns.ts'
import type { Database } from '../db/engine.ts'
import { and, eq, holds, inArray, type SQL, sql } from '../db/query.ts'
import { subjectFields } from '../db/rows.ts'
import { teams } from '../db/schema/members.ts'
import { departed, series } from '../db/schema/usage.ts'
import { column, tableOf } from './nouns.ts'

/** Whether something was used with a thing. */
const hasUsed = (db: Database, noun: LimitedNoun): SQL =>
  noun === 'team'
    ? sql`EXISTS (SELECT 1 FROM ${series} WHERE ${and(
        eq(series.organizationId, teams.organizationId),
        eq(series.pending, 0),
        holds(series.teamIds, teams.id),
      )})`
    : inArray(
        tableOf(noun).id,
        db.select({ id: series[subjectFields[noun]] }).from(series).where(eq(series.pending, 0)),
      )

/** Keeps the names of things that are about to be deleted, if anything was used with them. @param gone which, as a condition */
export async function keepNames(db: Database, noun: Noun, gone: SQL): Promise<void> {
  if (!isLimited(noun)) return
  const table = tableOf(noun)
  // Its teams go with it.
  if (noun === 'org')
    await keepNames(
      db,
      'team',
      inArray(teams.organizationId, db.select({ id: table.id }).from(table).where(gone)),
    )
  await namesKept(db, noun, gone)
}

/** The statement that does so for things of one noun. */
export function namesKept(db: Database, noun: LimitedNoun, gone: SQL) {
  const table = tableOf(noun)
  const names = db
    .select({
      id: sql<string>`${table.id}`.as('id'),
      name: sql<string>`${column(noun, nouns[noun].label)}`.as('name'),
    })
    .from(table)
    .where(and(gone, hasUsed(db, noun)))
  return db
    .insert(departed)
    .select(names)
    .onConflictDoUpdate({ target: departed.id, set: { name: sql`excluded.name` } })
}
