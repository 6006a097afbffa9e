import { nouns } from '../../../contract/nouns.ts'
import { changedUser } from '../../../contract/views/people.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: "Set or remove a user's password",
  description: 'Asks for the new password at a terminal. In a script, use --password-file; - is stdin.',
  examples: [
    'latchkey user passwd alice',
    'printf %s "$password" | latchkey user passwd alice --password-file -',
    'latchkey user passwd alice --remove',
  ],
  args: { user: arg.one(nouns.user.selectors) },
  options: {
    passwordFile: opt.text('file', 'File with the password; - is stdin'),
    remove: opt.flag('Remove the password'),
  },
  run: async (ctx, { user, passwordFile, remove }) => {
    const operations = await ctx.operations()
    if (remove) return operations.users.setPassword(user, null)
    // Who is meant is settled before anybody types a password.
    const { id, username } = await operations.users.get(user)
    const password =
      passwordFile === undefined
        ? await ctx.askPassword(`New password for ${username}`, '--password-file FILE')
        : await ctx.passwordFromFile(passwordFile)
    return operations.users.setPassword(id, password)
  },
  prints: one(changedUser, {
    done: user =>
      outcomeText(
        user.hasPassword
          ? `Set the password of ${user.username}`
          : `Removed the password of ${user.username}`,
        'user',
        user,
      ),
  }),
  would: user => `${user.hasPassword ? 'set' : 'remove'} the password of ${user.username}`,
})
