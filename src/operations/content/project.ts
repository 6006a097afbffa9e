/** Changes of what a project has. */
import type { Database } from '../../db/engine.ts'
import type { OperationContext } from '../context.ts'
import type { Row } from '../nouns.ts'
import { authorize } from '../organizations/access.ts'
import { find } from '../select.ts'

/**
 * Changes a project in one transaction, if the actor may. Nobody else changes its content until that ends, because writes wait
 * for each other.
 *
 * @throws not_found, ambiguous, denied, and what `work` throws
 */
export const changeProject = <T>(
  context: OperationContext,
  selector: string,
  permission: 'file:write' | 'state:write',
  work: (db: Database, project: Row<'project'>) => Promise<T>,
): Promise<T> =>
  context.store.write(async db => {
    const project = await find(db, 'project', selector)
    await authorize(context, db, permission, { project })
    return work(db, project)
  })
