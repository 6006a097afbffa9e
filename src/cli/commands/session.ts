/** The commands of sessions. */
import { revokedSessions, session } from '../../contract/views/accounts.ts'
import type { SessionFilter } from '../../index.ts'
import { many } from '../../text/quantity.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { switched } from './fields.ts'
import { paging } from './thing.ts'

const selected = { session: arg.one('Id of the session, or its beginning; latchkey session list shows them') }

const list = command({
  effect: 'read',
  summary: 'List sessions, oldest first',
  description: 'Never shows a token. To page, give the last id of a page as --after ID.',
  examples: [
    'latchkey session list',
    'latchkey session list --user alice --json',
    'latchkey session list --expired --limit 20',
  ],
  options: {
    user: opt.text('user', 'Only sessions of this user'),
    expired: opt.flag('Only expired sessions'),
    noExpired: opt.flag('Only sessions that have not expired'),
    ...paging('session', 'id'),
  },
  run: async (ctx, { expired, noExpired, ...page }) =>
    (await ctx.operations()).sessions.stream({ ...page, expired: switched('expired', expired, noExpired) }),
  prints: rows(session, {
    columns: [
      { title: 'user', cell: session => session.user.username },
      { title: 'device', cell: session => session.device ?? '', importance: 'low' },
      { title: 'address', cell: session => session.ipAddress ?? '', hideEmpty: true },
      {
        title: 'status',
        cell: (session, brush) => (session.status === 'valid' ? brush.good : brush.bad)(session.status),
      },
      { title: 'since', time: session => session.createdAt },
      { title: 'ends', time: session => session.expiresAt },
      { title: 'id', cell: session => session.id, whole: true },
      { title: 'last extended', time: session => session.updatedAt, wide: true },
      { title: 'program', cell: session => session.userAgent ?? '', wide: true },
    ],
    empty: 'No sessions.',
    noMatch: 'No sessions match. List all with: latchkey session list',
  }),
})

const show = command({
  effect: 'read',
  summary: 'Show a session',
  examples: ['latchkey session show ses_01kaqv8w', 'latchkey session show ses_01kaqv8w --json'],
  args: selected,
  run: async (ctx, { session }) => (await ctx.operations()).sessions.get(session),
  prints: one(session),
})

const revoked = {
  user: opt.text('user', 'All sessions of this user'),
  expired: opt.flag('All expired sessions'),
  all: opt.flag('All sessions: everybody has to sign in again'),
}

interface Revoking extends SessionFilter {
  readonly all?: boolean | undefined
}

const chosen = ({ user, expired, all }: Revoking): Revoking => ({
  user,
  expired: expired || undefined,
  all: all || undefined,
})

const revoke = command({
  effect: 'destroy',
  summary: 'End sessions: their users have to sign in again',
  description: 'Name a session, or give --user, --expired or --all; of --user and --expired both must hold.',
  examples: [
    'latchkey session revoke ses_01kaqv8w --yes',
    'latchkey session revoke --user alice',
    'latchkey session revoke --expired --yes',
    'latchkey session revoke --all --dry-run',
  ],
  args: {
    session: arg.unless(
      ['user', 'expired', 'all'],
      'Id of the session, or its beginning',
      'name a session, or give --user USER, --expired or --all',
    ),
  },
  options: revoked,
  confirm: async (ctx, { session, ...typed }) => {
    const { sessions } = await ctx.operations()
    if (session !== undefined) {
      const { id, user } = await sessions.get(session)
      return { question: `End session ${id} of ${user.username}`, binds: { session: id } }
    }
    const { all: _, ...filter } = chosen(typed)
    const { total } = await sessions.list({ ...filter, limit: 1 })
    return total === 0 ? undefined : { question: `End ${many(total, 'session')}`, typed: String(total) }
  },
  run: async (ctx, { session, ...typed }) => {
    const { sessions } = await ctx.operations()
    if (session === undefined) return sessions.revokeMatching(chosen(typed))
    await sessions.revoke(session)
    return { sessions: 1 }
  },
  prints: one(revokedSessions, { done: ({ sessions }) => `Ended ${many(sessions, 'session')}` }),
  would: ({ sessions }) => `end ${many(sessions, 'session')}`,
})

export default { list, show, revoke }
