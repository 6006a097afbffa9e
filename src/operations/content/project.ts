/** The project whose content is about to change. */
import type { Database } from '../../db/engine.ts'
import { eq, sql } from '../../db/query.ts'
import { projects } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { authorize } from '../organizations/access.ts'
import { find } from '../select.ts'

/**
 * Finds a project, and holds off others who change its content until the transaction ends.
 *
 * @throws not_found, ambiguous, denied
 */
export async function held(
  context: OperationContext,
  db: Database,
  selector: string,
  permission: 'file:write' | 'state:write',
): Promise<Row<'project'>> {
  const project = await find(db, 'project', selector)
  await authorize(context, db, permission, { project })
  await db
    .update(projects)
    .set({ updatedAt: sql`${projects.updatedAt}` })
    .where(eq(projects.id, project.id))
  return project
}
