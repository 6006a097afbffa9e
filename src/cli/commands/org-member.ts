/** The commands of members of organizations. */
import { changedMember, organizationMember } from '../../contract/views/organizations.ts'
import type { OrganizationMember } from '../../index.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { paging, selecting } from './thing.ts'

const member = { ...selecting('org'), ...selecting('user') }

const role = { role: opt.text('role', 'Role there (default: member)') }

const add = command({
  effect: 'write',
  summary: 'Add a user to an organization',
  examples: ['latchkey org member add acme bob --role admin', 'latchkey org member add acme bob --dry-run'],
  args: member,
  options: role,
  run: async (ctx, { org, user, role }) =>
    (await ctx.operations()).organizations.members.add(org, user, role),
  prints: one(organizationMember, { done: added => `Added ${said('to', added)} as ${added.role}` }),
  would: added => `add ${said('to', added)} as ${added.role}`,
})

const list = command({
  effect: 'read',
  summary: 'List the members of an organization',
  description:
    'In the order in which the users were created. To page, give the last user of a page as --after USER.',
  examples: ['latchkey org member list acme', 'latchkey org member list acme --limit 20 --json'],
  args: selecting('org'),
  options: paging('user'),
  run: async (ctx, { org, ...page }) => (await ctx.operations()).organizations.members.stream(org, page),
  prints: rows(organizationMember, {
    columns: [
      { title: 'user', cell: member => member.user.username },
      { title: 'role', cell: member => member.role },
      { title: 'since', time: member => member.createdAt },
      { title: 'user id', cell: member => member.user.id, wide: true },
    ],
    empty: 'No members.',
  }),
})

const change = command({
  effect: 'write',
  summary: 'Give a member another role',
  description: 'The last owner who is not disabled keeps the role owner.',
  examples: ['latchkey org member role acme bob viewer', 'latchkey org member role acme bob owner --dry-run'],
  args: { ...member, role: arg.one('Name of a role') },
  run: async (ctx, { org, user, role }) =>
    (await ctx.operations()).organizations.members.setRole(org, user, role),
  prints: one(changedMember, {
    done: member =>
      member.changed
        ? `${member.user.username} is ${member.role} in ${member.organization.slug}`
        : `Unchanged: ${member.user.username} is ${member.role} in ${member.organization.slug} already`,
  }),
  would: member => `make ${member.user.username} ${member.role} in ${member.organization.slug}`,
})

const remove = command({
  effect: 'write',
  summary: 'Take a user out of an organization and its teams',
  examples: ['latchkey org member remove acme bob', 'latchkey org member remove acme bob --dry-run'],
  args: member,
  run: async (ctx, { org, user }) => (await ctx.operations()).organizations.members.remove(org, user),
  prints: one(organizationMember, { done: gone => `Removed ${said('from', gone)}` }),
  would: gone => `remove ${said('from', gone)}`,
})

const said = (word: 'to' | 'from', { user, organization }: OrganizationMember): string =>
  `${user.username} ${word} the organization ${organization.slug}`

export default { add, list, role: change, remove }
