/** The commands of organizations. */
import {
  changedOrganization,
  createdOrganization,
  organization,
  organizationDetails,
} from '../../contract/views/organizations.ts'
import { arg, command, opt, rows, verbatim } from '../declare/define.ts'
import { creating, paging, selecting, showing, thing, updating } from './thing.ts'

const create = command({
  effect: 'write',
  summary: 'Create an organization, with its first owner',
  examples: [
    'latchkey org create Acme --owner alice',
    'latchkey org create "Data Guild" --owner alice --slug guild',
  ],
  args: { name: arg.one('Display name') },
  options: {
    owner: opt.required(opt.text('user', 'Its first owner')),
    slug: opt.text('slug', 'Unique short name (default: made from the name)'),
    logo: opt.text('url', 'URL of a picture'),
    ifNotExists: opt.flag('Succeed if such an organization exists; only what you name is compared'),
  },
  run: async (ctx, { ifNotExists, ...typed }) =>
    (await ctx.operations()).organizations.create(typed, { ifNotExists }),
  ...creating('org', createdOrganization),
})

const list = command({
  effect: 'read',
  summary: 'List organizations, oldest first',
  description: 'To page, give the last organization of a page as --after ORG.',
  examples: ['latchkey org list', 'latchkey org list --member alice --json', 'latchkey org list --limit 20'],
  options: {
    member: opt.text('user', 'Only organizations with this member'),
    search: opt.text('text', 'Only organizations whose slug or name contains this'),
    ...paging('organization', 'org'),
  },
  run: async (ctx, page) => (await ctx.operations()).organizations.stream(page),
  prints: rows(organization, {
    columns: [
      { title: 'slug', cell: org => org.slug, whole: true },
      { title: 'name', cell: org => org.name, importance: 'low', spare: 'last' },
      { title: 'members', cell: (org, brush) => brush.count(org.members), align: 'right' },
      { title: 'teams', cell: (org, brush) => brush.count(org.teams), align: 'right' },
      { title: 'projects', cell: (org, brush) => brush.count(org.projects), align: 'right' },
      { title: 'created', time: org => org.createdAt },
      { title: 'id', cell: org => org.id, wide: true },
    ],
    empty: 'No organizations. Create one with: latchkey org create Acme --owner alice',
    noMatch: 'No organizations match. List all with: latchkey org list',
  }),
})

const update = command({
  effect: 'write',
  summary: 'Change the name, slug or picture of an organization',
  examples: [
    'latchkey org update acme --name "Acme Ltd"',
    'latchkey org update acme --slug acme-ltd --dry-run',
  ],
  args: selecting('org'),
  options: {
    name: opt.text('name', 'Display name'),
    slug: opt.text('slug', 'Unique short name'),
    logo: opt.clearable('url', verbatim, 'URL of a picture'),
  },
  run: async (ctx, { org, ...changes }) => (await ctx.operations()).organizations.update(org, changes),
  ...updating('org', changedOrganization),
})

export default {
  create,
  list,
  show: showing(
    'org',
    organizationDetails,
    async (ctx, { org }) => (await ctx.operations()).organizations.get(org),
    {
      summary: 'Show an organization',
      examples: ['latchkey org show acme', 'latchkey org show acme --json'],
    },
  ),
  update,
  delete: thing('org', organization, ({ organizations }, { org }) => [organizations, org]).delete({
    summary: 'Erase an organization that owns no projects',
    examples: ['latchkey org delete acme', 'latchkey org delete acme --yes'],
  }),
}
