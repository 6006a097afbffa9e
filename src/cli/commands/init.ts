import { initialized } from '../../contract/views/database.ts'
import { lineOf } from '../../text/shell-word.ts'
import { command, one, opt } from '../declare/define.ts'

export default command({
  effect: 'write',
  summary: 'Create the database',
  description: 'Creates it at --db, LATCHKEY_DB or the configured path. Never touches an existing database.',
  examples: ['latchkey init', 'latchkey init --db /var/lib/gateway/latchkey.db --admin alice'],
  options: { admin: opt.text('username', 'Also create a first user, with the role admin') },
  wizard: ['db', 'admin'],
  run: async (ctx, input) => (await ctx.operations()).initialize(input),
  prints: one(initialized, {
    done: ({ path, user }) =>
      user === null
        ? `Created ${path}\nNext: latchkey user create alice --email alice@example.org`
        : `Created ${path} and user ${user.username} (${user.id})\nNext: ${lineOf('key create ci --user', user.username)}`,
  }),
  would: ({ path, user }) => `create ${path}${user === null ? '' : ` and user ${user.username}`}`,
})
