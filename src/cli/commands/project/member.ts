/** The commands of members of projects. */
import { changedProject, projectMember } from '../../../contract/views/people.ts'
import type { Project } from '../../../contract/views.ts'
import type { Brush } from '../../declare/brush.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { outcome, paging, selecting, withChange } from '../thing.ts'

const member = { ...selecting('project'), ...selecting('user') }

/** What a change of the members prints and would do, with who they were and are. */
const telling = (done: string, would: string) => ({
  prints: outcome('project', changedProject, (project, brush) =>
    withChange(`${done} ${project.slug}`, project, brush),
  ),
  would: (project: Project & { readonly changed: boolean; readonly before: unknown }, brush: Brush): string =>
    withChange(`${would} ${project.slug}`, project, brush),
})

const add = command({
  effect: 'write',
  summary: 'Add a user to a project',
  examples: [
    'latchkey project member add shop bob --role viewer',
    'latchkey project member add shop bob --dry-run',
  ],
  args: member,
  options: { role: opt.text('role', 'Role there (default: member)') },
  run: async (ctx, { project, user, role }) =>
    (await ctx.operations()).projects.members.add(project, user, role),
  ...telling('Added a member to', 'add a member to'),
})

const list = command({
  effect: 'read',
  summary: 'List the members of a project, without its owner',
  description:
    'In the order in which the users were created. To page, give the last user of a page as --after USER.',
  examples: ['latchkey project member list shop', 'latchkey project member list shop --json'],
  args: selecting('project'),
  options: paging('user'),
  run: async (ctx, { project, ...page }) => (await ctx.operations()).projects.members.stream(project, page),
  prints: rows(projectMember, {
    columns: [
      { title: 'user', cell: member => member.user.username },
      { title: 'role', cell: member => member.role },
      { title: 'user id', cell: member => member.user.id, wide: true },
    ],
    empty: 'No members. Add one with: latchkey project member add PROJECT USER',
  }),
})

const role = command({
  effect: 'write',
  summary: 'Give a member of a project another role',
  examples: [
    'latchkey project member role shop bob admin',
    'latchkey project member role shop bob viewer --dry-run',
  ],
  args: { ...member, role: arg.one('Name of a role') },
  run: async (ctx, { project, user, role }) =>
    (await ctx.operations()).projects.members.setRole(project, user, role),
  ...telling('Changed the role of a member of', 'change the role of a member of'),
})

const remove = command({
  effect: 'write',
  summary: 'Take a user out of a project',
  examples: ['latchkey project member remove shop bob', 'latchkey project member remove shop bob --dry-run'],
  args: member,
  run: async (ctx, { project, user }) => (await ctx.operations()).projects.members.remove(project, user),
  ...telling('Removed a member from', 'remove a member from'),
})

export default { add, list, role, remove }
