/** The commands of teams and their members. */
import {
  changedTeam,
  createdTeam,
  team,
  teamDetails,
  teamMember,
} from '../../contract/views/organizations.ts'
import type { TeamMember, TeamSelector } from '../../index.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { creating, paging, selecting, showing, thing, updating } from './thing.ts'

const ofOrg = { org: opt.text('org', 'Only a team of this organization') }

const within = (team: string, org: string | undefined): TeamSelector =>
  org === undefined ? team : { team, org }

const ofTeams = thing('team', team, ({ teams }, { team, org }) => [teams, within(team, org)], ofOrg)

const create = command({
  effect: 'write',
  summary: 'Create a team in an organization',
  examples: ['latchkey team create Backend --org acme', 'latchkey team create "Data Science" --org acme'],
  args: { name: arg.one('Name, unique in the organization') },
  options: {
    org: opt.required(opt.text('org', 'The organization that it is part of')),
    ifNotExists: opt.flag('Succeed if such a team exists'),
  },
  run: async (ctx, { ifNotExists, ...typed }) =>
    (await ctx.operations()).teams.create(typed, { ifNotExists }),
  ...creating('team', createdTeam),
})

const list = command({
  effect: 'read',
  summary: 'List teams, oldest first',
  description: 'To page, give the last team of a page as --after TEAM.',
  examples: ['latchkey team list', 'latchkey team list --org acme --json', 'latchkey team list --member bob'],
  options: {
    org: opt.text('org', 'Only teams of this organization'),
    member: opt.text('user', 'Only teams with this member'),
    search: opt.text('text', 'Only teams whose name contains this'),
    ...paging('team'),
  },
  run: async (ctx, page) => (await ctx.operations()).teams.stream(page),
  prints: rows(team, {
    columns: [
      { title: 'name', cell: team => team.name, whole: true },
      { title: 'org', cell: team => team.organization.slug },
      { title: 'members', cell: (team, brush) => brush.count(team.members), align: 'right' },
      { title: 'created', time: team => team.createdAt },
      { title: 'id', cell: team => team.id, wide: true },
    ],
    empty: 'No teams. Create one with: latchkey team create Backend --org acme',
    noMatch: 'No teams match. List all with: latchkey team list',
  }),
})

const update = command({
  effect: 'write',
  summary: 'Rename a team',
  examples: [
    'latchkey team update Backend --name Platform',
    'latchkey team update Backend --org acme --name Platform --dry-run',
  ],
  args: selecting('team'),
  options: { name: opt.text('name', 'Name, unique in the organization'), ...ofOrg },
  run: async (ctx, { team, org, ...changes }) =>
    (await ctx.operations()).teams.update(within(team, org), changes),
  ...updating('team', changedTeam),
})

const member = { ...selecting('team'), ...selecting('user') }

const add = command({
  effect: 'write',
  summary: 'Add a member of the organization to a team',
  examples: [
    'latchkey team member add Backend bob',
    'latchkey team member add Backend bob --org acme --dry-run',
  ],
  args: member,
  options: ofOrg,
  run: async (ctx, { team, user, org }) =>
    (await ctx.operations()).teams.members.add(within(team, org), user),
  prints: one(teamMember, { done: added => `Added ${said('to', added)}` }),
  would: added => `add ${said('to', added)}`,
})

const members = command({
  effect: 'read',
  summary: 'List the members of a team',
  description:
    'In the order in which the users were created. To page, give the last user of a page as --after USER.',
  examples: ['latchkey team member list Backend', 'latchkey team member list Backend --org acme --json'],
  args: selecting('team'),
  options: {
    ...ofOrg,
    ...paging('user'),
  },
  run: async (ctx, { team, org, ...page }) =>
    (await ctx.operations()).teams.members.stream(within(team, org), page),
  prints: rows(teamMember, {
    columns: [
      { title: 'user', cell: member => member.user.username },
      { title: 'since', time: member => member.createdAt },
      { title: 'user id', cell: member => member.user.id, wide: true },
    ],
    empty: 'No members.',
  }),
})

const remove = command({
  effect: 'write',
  summary: 'Take a user out of a team',
  examples: [
    'latchkey team member remove Backend bob',
    'latchkey team member remove Backend bob --org acme --dry-run',
  ],
  args: member,
  options: ofOrg,
  run: async (ctx, { team, user, org }) =>
    (await ctx.operations()).teams.members.remove(within(team, org), user),
  prints: one(teamMember, { done: gone => `Removed ${said('from', gone)}` }),
  would: gone => `remove ${said('from', gone)}`,
})

const said = (word: 'to' | 'from', { user, team }: TeamMember): string =>
  `${user.username} ${word} the team ${team.name}`

export default {
  create,
  list,
  show: showing(
    'team',
    teamDetails,
    async (ctx, { team, org }) => (await ctx.operations()).teams.get(within(team, org)),
    {
      summary: 'Show a team',
      examples: ['latchkey team show Backend', 'latchkey team show Backend --org acme --json'],
    },
    ofOrg,
  ),
  update,
  delete: ofTeams.delete({
    summary: 'Erase a team; its members stay in the organization',
    examples: ['latchkey team delete Backend', 'latchkey team delete Backend --org acme --yes'],
  }),
  member: { add, list: members, remove },
}
