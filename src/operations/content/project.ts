/** The project whose content is about to change. */
import type { Database } from '../../db/engine.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { authorize } from '../organizations/access.ts'
import { find } from '../select.ts'

/**
 * Finds a project that the actor may change. Nobody else changes its content until the transaction ends, because writes wait for
 * each other.
 *
 * @throws not_found, ambiguous, denied
 */
export async function changeable(
  context: OperationContext,
  db: Database,
  selector: string,
  permission: 'file:write' | 'state:write',
): Promise<Row<'project'>> {
  const project = await find(db, 'project', selector)
  await authorize(context, db, permission, { project })
  return project
}
