/** The commands of invitations to organizations. */
import { acceptedInvitation, createdInvitation, invitation } from '../../contract/views/organizations.ts'
import { invitationStatuses } from '../../contract/views/words.ts'
import { lineOf, shellLine } from '../../text/shell-word.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { duration } from '../declare/times.ts'
import { paging, selecting } from './thing.ts'

const create = command({
  effect: 'write',
  summary: 'Invite somebody to an organization by their email address',
  description:
    'Prints the token that accepts the invitation. It is shown only now; send it to them. They need a user with this email address.',
  examples: [
    'latchkey invitation create acme bob@example.org --role admin',
    'latchkey invitation create acme dan@example.org --team Backend --expires 7d --json',
  ],
  args: { ...selecting('org'), email: arg.one('Their email address') },
  options: {
    role: opt.text('role', 'Role that they get (default: member)'),
    team: opt.text('team', 'A team of the organization that they join too'),
    expires: opt.as('duration', duration, 'How long it can be accepted (default: 48h)'),
  },
  run: async (ctx, { expires, ...typed }) =>
    (await ctx.operations()).invitations.create({ ...typed, expiresInMs: expires }),
  prints: one(createdInvitation, { done: made => made.token }),
  notice: ({ email, organization, role }) =>
    `Invited ${email} to ${organization.slug} as ${role}. The token above is shown only now.`,
  would: made => `invite ${made.email} to ${made.organization.slug} as ${made.role}`,
  revealsSecret: () => ({
    field: 'token',
    of: made => `the invitation of ${made.email}`,
    again: made => `cancel it with: ${lineOf('invitation cancel', made.id)}, then create another`,
  }),
})

const list = command({
  effect: 'read',
  summary: 'List invitations, oldest first',
  description: 'To page, give the last invitation of a page as --after ID.',
  examples: [
    'latchkey invitation list',
    'latchkey invitation list --org acme --status pending',
    'latchkey invitation list --email bob@example.org --json',
  ],
  options: {
    org: opt.text('org', 'Only invitations to this organization'),
    email: opt.text('email', 'Only invitations of this email address'),
    status: opt.choice(invitationStatuses, 'Only invitations with this status'),
    ...paging('invitation', 'id'),
  },
  run: async (ctx, page) => (await ctx.operations()).invitations.stream(page),
  prints: rows(invitation, {
    columns: [
      { title: 'email', cell: invitation => invitation.email, whole: true },
      { title: 'org', cell: invitation => invitation.organization.slug },
      { title: 'role', cell: invitation => invitation.role },
      { title: 'team', cell: invitation => invitation.team?.name ?? '', hideEmpty: true },
      {
        title: 'status',
        cell: ({ status }, brush) => (status === 'pending' ? brush.good(status) : brush.dim(status)),
        whole: true,
      },
      { title: 'expires', time: invitation => invitation.expiresAt },
      { title: 'id', cell: invitation => invitation.id, whole: true },
      { title: 'invited by', cell: invitation => invitation.inviter?.username ?? '', wide: true },
    ],
    empty: 'No invitations. Make one with: latchkey invitation create acme bob@example.org',
    noMatch: 'No invitations match. List all with: latchkey invitation list',
  }),
})

const accept = command({
  effect: 'write',
  summary: 'Make a user a member by the token of an invitation',
  description:
    'Reads the token from stdin or, on a terminal, asks for it; never takes it from the command line. The user must have the email address that was invited.',
  examples: [
    'printf %s "$token" | latchkey invitation accept - --user bob',
    'latchkey invitation accept --user bob < token.txt',
  ],
  args: { secret: arg.optional('Only -; the token is always read from stdin') },
  options: { user: opt.required(opt.text('user', 'Who accepts it')) },
  run: async (ctx, { secret: word, user }) => {
    const into = shellLine(['invitation', 'accept', '--user', user])
    const token = await ctx.secretArgument(word, { what: 'token', into })
    return (await ctx.operations()).invitations.accept(token, user)
  },
  prints: one(acceptedInvitation, {
    done: ({ member }) => `${member.user.username} is ${member.role} in ${member.organization.slug}`,
  }),
  would: ({ member }) => `make ${member.user.username} ${member.role} in ${member.organization.slug}`,
})

const cancel = command({
  effect: 'write',
  summary: 'Cancel an invitation; its token no longer works',
  examples: [
    'latchkey invitation cancel inv_01kaqv8w2e',
    'latchkey invitation cancel inv_01kaqv8w2e --dry-run',
  ],
  args: { invitation: arg.one('Id of the invitation') },
  run: async (ctx, { invitation }) => (await ctx.operations()).invitations.cancel(invitation),
  prints: one(invitation, {
    done: gone => `Canceled the invitation of ${gone.email} to ${gone.organization.slug}`,
  }),
  would: gone => `cancel the invitation of ${gone.email} to ${gone.organization.slug}`,
})

export default { create, list, accept, cancel }
