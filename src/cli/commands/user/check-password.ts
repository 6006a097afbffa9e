import { exitCodes } from '../../../contract/errors.ts'
import { passwordCheck } from '../../../contract/views/people.ts'
import { command, one, opt } from '../../declare/define.ts'
import { selecting } from '../thing.ts'

const meanings = {
  valid: 'The password is right.',
  wrong_password: 'The password is wrong.',
  no_password: 'The user has no password.',
  user_disabled: 'The password is right, but the user is disabled.',
} as const

export default command({
  effect: 'write',
  summary: "Check a user's password; exits 0 or 4",
  description:
    'Reads the password from stdin, a file or a prompt; never from the command line. A bcrypt or scrypt hash from another system is replaced by argon2id once the password was right. Codes: valid, wrong_password, no_password, user_disabled.',
  examples: [
    'latchkey user check-password alice',
    'printf %s "$password" | latchkey user check-password alice --password-file - --json',
  ],
  args: selecting('user'),
  options: {
    passwordFile: opt.text('file', 'File with the password; - is stdin (default: stdin, or a prompt)'),
  },
  run: async (ctx, { user, passwordFile }) => {
    const { users } = await ctx.operations()
    const { id } = await users.get(user)
    const password = await ctx.passwordFromFile(passwordFile ?? '-')
    return users.checkPassword(id, password)
  },
  prints: one(passwordCheck, {
    done: ({ user, valid, code }, brush) =>
      `${(valid ? brush.good : brush.bad)(code)}: ${user.username} (${user.id}). ${meanings[code]}`,
  }),
  would: ({ user }) => `check the password of ${user.username}`,
  exit: ({ valid }) => (valid ? 0 : exitCodes.denied),
})
