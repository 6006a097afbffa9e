import { LatchkeyError } from '../../../contract/errors.ts'
import { createdUser } from '../../../contract/views/people.ts'
import { roles } from '../../../contract/views/words.ts'
import { arg, command, opt } from '../../declare/define.ts'
import { eachLimit, limit } from '../../declare/parse.ts'
import { fields } from '../fields.ts'
import { creating } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Create a user or a service account',
  description:
    'Reads the password from stdin, a file or a prompt. Never from the command line, where others could see it.',
  examples: [
    'latchkey user create alice --email alice@example.org',
    'latchkey user create nightly --service --role viewer --limit usd=5/1d',
    'latchkey user create bob --password-file /run/secrets/bob',
  ],
  args: { username: arg.one('Unique username') },
  options: {
    email: opt.text('address', 'Unique email address'),
    emailVerified: opt.flag('The address is known to be theirs'),
    name: opt.text('name', 'Display name'),
    image: opt.text('address', 'Address of a picture'),
    role: opt.choice(roles, 'Role, for your backend to interpret (default: member)'),
    service: opt.flag('A service account rather than a person'),
    limit: opt.many('metric=amount/window', limit, 'Limit on all their keys together (repeatable)'),
    // Refused, with what to do instead.
    limitEach: opt.hidden(opt.many('metric=amount/window', eachLimit, 'Limit for each end user')),
    passwordFile: opt.text('file', 'File with the password; - is stdin'),
    ifNotExists: opt.flag('Succeed if such a user exists; only what you name is compared'),
    askPassword: opt.flag('Ask for a password at the terminal'),
  },
  wizard: ['email', 'name', 'role', 'askPassword'],
  run: async (ctx, { passwordFile, askPassword, ifNotExists, ...typed }) => {
    if (passwordFile !== undefined && askPassword) {
      const hint = 'give only one of them'
      throw new LatchkeyError('usage', '--password-file and --ask-password exclude each other', hint)
    }
    const password = askPassword
      ? await ctx.askPassword(`Password for ${typed.username}`, '--password-file FILE')
      : passwordFile === undefined
        ? undefined
        : await ctx.passwordFromFile(passwordFile)
    return (await ctx.operations()).users.create(
      {
        ...fields(typed),
        service: typed.service || undefined,
        emailVerified: typed.emailVerified || undefined,
        password,
      },
      { ifNotExists },
    )
  },
  ...creating('user', createdUser),
})
