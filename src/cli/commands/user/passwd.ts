import { changedUser } from '../../../contract/views/people.ts'
import { command, opt } from '../../declare/define.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: "Set or remove a user's password",
  description: 'Asks for the new password at a terminal. In a script, use --password-file; - is stdin.',
  examples: [
    'latchkey user passwd alice',
    'printf %s "$password" | latchkey user passwd alice --password-file -',
    'latchkey user passwd alice --remove',
  ],
  args: selecting('user'),
  options: {
    passwordFile: opt.text('file', 'File with the password; - is stdin'),
    remove: opt.flag('Remove the password'),
  },
  run: async (ctx, { user, passwordFile, remove }) => {
    const operations = await ctx.operations()
    if (remove) return operations.users.setPassword(user, null)
    // Find the user before anybody types a password.
    const { id, username } = await operations.users.get(user)
    const password =
      passwordFile === undefined
        ? await ctx.askPassword(`New password for ${username}`, '--password-file FILE')
        : await ctx.passwordFromFile(passwordFile)
    return operations.users.setPassword(id, password)
  },
  prints: outcome('user', changedUser, user =>
    user.hasPassword ? `Set the password of ${user.username}` : `Removed the password of ${user.username}`,
  ),
  would: user => `${user.hasPassword ? 'set' : 'remove'} the password of ${user.username}`,
})
