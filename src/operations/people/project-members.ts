/** Members of projects, each with one role there, and handing a project to another owner. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, Project } from '../../contract/views.ts'
import { eq } from '../../db/query.ts'
import { projectMembers } from '../../db/schema/people.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import { authorize } from '../organizations/access.ts'
import type { MemberPage } from '../organizations/input.ts'
import { membersOf } from '../organizations/member-list.ts'
import { paged } from '../page.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import type { ProjectOwner } from './input.ts'
import { dropMember, membership, newOwnerFor, putMember, requireProjectMember } from './membership.ts'
import { project } from './projects.ts'
import { findRecipient } from './recipient.ts'

/**
 * Gives a project to a user or an organization. Its members stay, and so do its keys and what they used.
 *
 * @throws not_found, ambiguous, invalid (not exactly one new owner), conflict (who is disabled or erased), denied
 */
export function transferProject(
  context: OperationContext,
  selector: string,
  to: ProjectOwner,
): Promise<Changed<Project>> {
  return project.change(context, selector, 'transfer', async (db, row) => {
    await authorize(context, db, 'project:transfer', { project: row })
    return newOwnerFor(context, db, row, to)
  })
}

/** Adds a member to a project. @throws not_found, ambiguous, conflict (is a member already, was erased), denied */
export function addProjectMember(
  context: OperationContext,
  selector: string,
  userSelector: string,
  roleName = 'member',
): Promise<Changed<Project>> {
  return project.change(context, selector, 'member-add', async (db, row) => {
    await authorize(context, db, 'member:write', { project: row })
    const user = await findRecipient(db, userSelector)
    if ((await membership(db, row, user)) !== undefined) {
      throw new LatchkeyError(
        'conflict',
        `${user.username} is a member of ${row.slug} already`,
        `change the role with: ${lineOf('project member role', row.slug, user.username, roleName)}`,
      )
    }
    await putMember(context, db, row, user, roleName)
    return {}
  })
}

/** Gives a member of a project another role. @throws not_found, ambiguous, denied */
export function setProjectRole(
  context: OperationContext,
  selector: string,
  userSelector: string,
  roleName: string,
): Promise<Changed<Project>> {
  return project.change(context, selector, 'member-role', async (db, row) => {
    await authorize(context, db, 'member:write', { project: row })
    const user = await find(db, 'user', userSelector)
    await requireProjectMember(db, row, user)
    await putMember(context, db, row, user, roleName)
    return {}
  })
}

/** Takes a member out of a project. Members may leave by themselves. @throws not_found, ambiguous, denied */
export function removeProjectMember(
  context: OperationContext,
  selector: string,
  userSelector: string,
): Promise<Changed<Project>> {
  return project.change(context, selector, 'member-remove', async (db, row) => {
    await dropMember(context, db, row, await find(db, 'user', userSelector))
    return {}
  })
}

/** In the order in which the users were created. @throws not_found, ambiguous, invalid */
export const projectMemberList = paged('members', (_, selector: string, given: MemberPage = {}) => {
  const { limit, after } = rules.parse(rules.page, given)
  return {
    limit,
    open: async db => {
      const { id } = await find(db, 'project', selector)
      const isHere = eq(projectMembers.projectId, id)
      return membersOf(db, projectMembers, isHere, after, (user, { role }) => ({ user, role }))
    },
  }
})
