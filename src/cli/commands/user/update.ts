import { roles, user } from '../../../contract/views.ts'
import { arg, command, opt, verbatim } from '../../define.ts'

export default command({
  name: 'update',
  effect: 'write',
  summary: 'Change a user',
  examples: [
    'latchkey user update alice --role admin',
    'latchkey user update alice --username alicia --no-email',
  ],
  args: { user: arg.one('Username, email address or id') },
  options: {
    username: opt.text('username', 'New username'),
    email: opt.clearable('address', verbatim, 'Email address'),
    name: opt.clearable('name', verbatim, 'Name for display'),
    role: opt.choice(roles, 'Role, for the backend to act on'),
  },
  run: async (ctx, { user, ...changes }) => (await ctx.operations()).users.update(user, changes),
  output: user,
  done: user => `Updated user ${user.username} (${user.id})`,
})
