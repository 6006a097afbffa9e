/** The commands of members of projects. */
import { changedProject, projectMember } from '../../../contract/views/people.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { count } from '../../declare/parse.ts'
import { outcome, selecting } from '../thing.ts'

const member = { ...selecting('project'), ...selecting('user') }

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
  prints: outcome('project', changedProject, project => `Added a member to ${project.slug}`),
  would: project => `add a member to ${project.slug}`,
})

const list = command({
  effect: 'read',
  summary: 'List the members of a project, without its owner',
  description:
    'In the order in which the users were created. To page, give the last user of a page as --after USER.',
  examples: ['latchkey project member list shop', 'latchkey project member list shop --json'],
  args: selecting('project'),
  options: {
    limit: opt.as('n', count, 'At most this many'),
    after: opt.text('user', 'Start after this user'),
  },
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
  prints: outcome('project', changedProject, project => `Changed the role of a member of ${project.slug}`),
  would: project => `change the role of a member of ${project.slug}`,
})

const remove = command({
  effect: 'write',
  summary: 'Take a user out of a project',
  examples: ['latchkey project member remove shop bob', 'latchkey project member remove shop bob --dry-run'],
  args: member,
  run: async (ctx, { project, user }) => (await ctx.operations()).projects.members.remove(project, user),
  prints: outcome('project', changedProject, project => `Removed a member from ${project.slug}`),
  would: project => `remove a member from ${project.slug}`,
})

export default { add, list, role, remove }
