import { changedUser } from '../../../contract/views/people.ts'
import { roles } from '../../../contract/views/words.ts'
import { command, opt, verbatim } from '../../declare/define.ts'
import { eachLimit, limit, limitName } from '../../declare/parse.ts'
import { fields, switched } from '../fields.ts'
import { selecting, updating } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Change a user',
  description:
    'A --limit counts all keys of the user together. It adds or changes the limit with that window; other limits stay. --no-limit usd/7d removes one limit, --no-limit usd all limits on dollars. A new email address is not verified, unless you say so.',
  examples: [
    'latchkey user update alice --role admin',
    'latchkey user update alice --username alicia --no-email',
    'latchkey user update nightly --service',
    'latchkey user update alice --email alice@example.net --email-verified',
    'latchkey user update alice --limit usd=50/30d --no-limit tokens',
  ],
  args: selecting('user'),
  options: {
    username: opt.text('username', 'New username'),
    email: opt.clearable('address', verbatim, 'Email address'),
    name: opt.clearable('name', verbatim, 'Display name'),
    emailVerified: opt.flag('Say that the address is known to be theirs'),
    noEmailVerified: opt.flag('Say that the address is not known to be theirs'),
    image: opt.clearable('address', verbatim, 'Address of a picture'),
    role: opt.choice(roles, 'Role, for your backend to interpret'),
    service: opt.flag('Make it a service account'),
    noService: opt.flag('Make it a person'),
    limit: opt.many('metric=amount/window', limit, 'Limit on all their keys together (repeatable)'),
    // Refused, with what to do instead.
    limitEach: opt.hidden(opt.many('metric=amount/window', eachLimit, 'Limit for each end user')),
    noLimit: opt.many(
      'metric[/window]',
      limitName,
      'Remove one limit, or all limits on a metric (repeatable)',
    ),
  },
  run: async (ctx, { user, service, noService, emailVerified, noEmailVerified, ...changes }) =>
    (await ctx.operations()).users.update(user, {
      ...fields(changes),
      service: switched('service', service, noService),
      emailVerified: switched('email-verified', emailVerified, noEmailVerified),
    }),
  ...updating('user', changedUser),
})
