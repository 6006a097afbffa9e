/** The project whose content is about to change. */
import type { Database } from '../../db/engine.ts'
import { eq, sql } from '../../db/query.ts'
import { projects } from '../../db/schema/people.ts'
import type { Row } from '../nouns.ts'
import { find } from '../select.ts'

/**
 * Finds a project, and holds off others who change its content until the transaction ends.
 *
 * @throws not_found, ambiguous
 */
export async function held(db: Database, selector: string): Promise<Row<'project'>> {
  const project = await find(db, 'project', selector)
  await db
    .update(projects)
    .set({ updatedAt: sql`${projects.updatedAt}` })
    .where(eq(projects.id, project.id))
  return project
}
