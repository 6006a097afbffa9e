import { LatchkeyError } from '../../../contract/errors.ts'
import { passwordSet } from '../../../contract/views/people.ts'
import { lineOf } from '../../../text/shell-word.ts'
import { command, opt } from '../../declare/define.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: "Set or remove a user's password",
  description:
    'Asks for the new password on a terminal. In a script, use --password-file; - is stdin. With --generate, a random password is set and printed, once.',
  examples: [
    'latchkey user passwd alice',
    'printf %s "$password" | latchkey user passwd alice --password-file -',
    'latchkey user passwd alice --generate',
    'latchkey user passwd alice --remove',
  ],
  args: selecting('user'),
  options: {
    passwordFile: opt.text('file', 'File with the password; - is stdin'),
    generate: opt.flag('Set a random password, and print it'),
    remove: opt.flag('Remove the password'),
  },
  run: async (ctx, { user, passwordFile, generate, remove }) => {
    if ([passwordFile !== undefined, generate, remove].filter(Boolean).length > 1) {
      const hint = 'give only one of them'
      throw new LatchkeyError('usage', '--password-file, --generate and --remove exclude each other', hint)
    }
    const { users } = await ctx.operations()
    if (generate) return users.generatePassword(user)
    if (remove) return { ...(await users.setPassword(user, null)), password: null }
    // Find the user before anybody types a password.
    const { id, username } = await users.get(user)
    const password =
      passwordFile === undefined
        ? await ctx.askPassword(`New password for ${username}`, '--password-file FILE')
        : await ctx.passwordFromFile(passwordFile)
    return { ...(await users.setPassword(id, password)), password: null }
  },
  prints: outcome('user', passwordSet, user =>
    user.password !== null
      ? `Set the password of ${user.username}: ${user.password}`
      : user.hasPassword
        ? `Set the password of ${user.username}`
        : `Removed the password of ${user.username}`,
  ),
  would: user => `${user.hasPassword ? 'set' : 'remove'} the password of ${user.username}`,
  revealsSecret: ({ generate }) =>
    generate
      ? {
          field: 'password',
          of: user => user.username,
          again: user => `create another with: ${lineOf('user passwd', user.id)} --generate`,
        }
      : undefined,
})
