/** The commands of roles. */
import { changedRole, createdRole, role } from '../../contract/views/organizations.ts'
import type { RoleSelector } from '../../index.ts'
import { arg, command, opt, rows, verbatim } from '../declare/define.ts'
import { fields } from './fields.ts'
import { creating, paging, selecting, thing, updating } from './thing.ts'

const ofOrg = { org: opt.text('org', 'Only a role that members of this organization can have') }

const within = (role: string, org: string | undefined): RoleSelector =>
  org === undefined ? role : { role, org }

const ofRoles = thing('role', role, ({ roles }, { role, org }) => [roles, within(role, org)], ofOrg)

const create = command({
  effect: 'write',
  summary: 'Create a role',
  description:
    'A permission is noun:verb, and * stands for anything: project:write, project:*, *. Without --org, every organization and project has the role.',
  examples: [
    'latchkey role create editor --permission project:read --permission project:write',
    'latchkey role create auditor --permission "*:read"',
    'latchkey role create releaser --org acme --permission project:write --json',
  ],
  args: { name: arg.one('Name, unique in the organization') },
  options: {
    permission: opt.required(opt.many('noun:verb', verbatim, 'What it permits')),
    org: opt.text('org', 'The only organization that has it'),
    ifNotExists: opt.flag('Succeed if such a role exists; only what you name is compared'),
  },
  run: async (ctx, { ifNotExists, permission, ...typed }) =>
    (await ctx.operations()).roles.create({ ...typed, permissions: permission }, { ifNotExists }),
  ...creating('role', createdRole),
})

const list = command({
  effect: 'read',
  summary: 'List roles and their permissions, oldest first',
  description: 'To page, give the last role of a page as --after ROLE.',
  examples: ['latchkey role list', 'latchkey role list --org acme --json'],
  options: {
    org: opt.text('org', 'Only roles that members of this organization can have'),
    search: opt.text('text', 'Only roles whose name contains this'),
    ...paging('role'),
  },
  run: async (ctx, page) => (await ctx.operations()).roles.stream(page),
  prints: rows(role, {
    columns: [
      { title: 'name', cell: role => role.name, whole: true },
      { title: 'org', cell: role => role.organization?.slug ?? '', hideEmpty: true },
      { title: 'permissions', cell: role => role.permissions.join(' '), spare: 'last' },
      { title: 'built in', cell: role => (role.builtIn ? 'yes' : ''), hideEmpty: true },
      { title: 'id', cell: role => role.id, wide: true },
    ],
    empty: 'No roles.',
    noMatch: 'No roles match. List all with: latchkey role list',
  }),
})

const update = command({
  effect: 'write',
  summary: 'Change the name or the permissions of a role',
  description:
    'The permissions that you give take the place of all that it had. Built-in roles stay as they are.',
  examples: [
    'latchkey role update editor --permission "project:*"',
    'latchkey role update editor --name author --dry-run',
  ],
  args: selecting('role'),
  options: {
    name: opt.text('name', 'Name; only while nobody has the role'),
    permission: opt.many('noun:verb', verbatim, 'What it permits'),
    ...ofOrg,
  },
  run: async (ctx, { role, org, permission, ...changes }) =>
    (await ctx.operations()).roles.update(within(role, org), fields({ ...changes, permissions: permission })),
  ...updating('role', changedRole),
})

export default {
  create,
  list,
  show: ofRoles.show({
    summary: 'Show a role and its permissions',
    examples: ['latchkey role show editor', 'latchkey role show admin --json'],
  }),
  update,
  delete: ofRoles.delete({
    summary: 'Erase a role that nobody has',
    examples: ['latchkey role delete editor', 'latchkey role delete editor --yes'],
  }),
}
