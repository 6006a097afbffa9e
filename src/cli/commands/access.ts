/** The commands that tell who may do what. */
import { exitCodes } from '../../contract/errors.ts'
import { accessCheck, accessGrant } from '../../contract/views/organizations.ts'
import type { AccessCheck, AccessGrant } from '../../index.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { paging, selecting } from './thing.ts'

const check = command({
  effect: 'read',
  summary: 'Check whether a user may do something, and why; exits 0 or 4',
  description:
    'A permission is noun:verb, such as project:write. Without --project and --org, it is asked for on the whole database. Users with the role admin may do everything; the owner of a project may do everything on it; members of projects and organizations have the permissions of their roles. A disabled user may do nothing.',
  examples: [
    'latchkey access check alice project:write --project shop',
    'latchkey access check bob member:write --org acme --json',
  ],
  args: { ...selecting('user'), permission: arg.one('What: noun:verb') },
  options: {
    project: opt.text('project', 'On this project'),
    org: opt.text('org', 'On this organization'),
  },
  run: async (ctx, { user, permission, ...on }) =>
    (await ctx.operations()).access.check(user, permission, on),
  prints: one(accessCheck, {
    done: (check, brush) =>
      check.allowed && check.grant
        ? `${brush.good('yes')}: ${pathOf(check.grant)} (${check.grant.permissions.join(' ')})`
        : `${brush.bad('no')}: ${refusalOf(check)}`,
  }),
  exit: ({ allowed }) => (allowed ? 0 : exitCodes.denied),
})

const list = command({
  effect: 'read',
  summary: 'List all that is granted to a user',
  description:
    'In organizations first, then in projects. To page, give the id of the last organization or project as --after ID.',
  examples: ['latchkey access list alice', 'latchkey access list bob --json'],
  args: selecting('user'),
  options: paging('organization or project', 'id'),
  run: async (ctx, { user, ...page }) => (await ctx.operations()).access.stream(user, page),
  prints: rows(accessGrant, {
    columns: [
      { title: 'granted by', cell: grant => pathOf(grant), whole: true },
      { title: 'permissions', cell: grant => grant.permissions.join(' '), spare: 'last' },
      { title: 'id', cell: grant => grant.project?.id ?? grant.organization?.id ?? '', wide: true },
    ],
    empty: 'Nothing is granted to this user.',
  }),
})

/** `role editor in the organization acme` */
function pathOf({ role, organization, project }: AccessGrant): string {
  if (role === null) return `owner of the project ${project?.slug}`
  if (project) return `role ${role} in the project ${project.slug}`
  return organization ? `role ${role} in the organization ${organization.slug}` : `role ${role} of the user`
}

const refusalOf = ({ code, user, permission }: AccessCheck): string =>
  code === 'user_disabled'
    ? `${user.username} is disabled`
    : `nothing grants ${permission} to ${user.username}`

export default { check, list }
