import { nouns } from '../../../contract/nouns.ts'
import { changedUser } from '../../../contract/views/people.ts'
import { roles } from '../../../contract/views/words.ts'
import { arg, command, one, opt, verbatim } from '../../declare/define.ts'
import { limit, limitName } from '../../declare/parse.ts'
import { updatedText } from '../changes.ts'
import { fields } from '../fields.ts'

export default command({
  effect: 'write',
  summary: 'Change a user',
  description:
    'A --limit counts all keys of the user together. It adds or changes the limit with that window; other limits stay. --no-limit usd/7d removes one limit, --no-limit usd all limits on dollars.',
  examples: [
    'latchkey user update alice --role admin',
    'latchkey user update alice --username alicia --no-email',
    'latchkey user update alice --limit usd=50/30d --no-limit tokens',
  ],
  args: { user: arg.one(nouns.user.selectors) },
  options: {
    username: opt.text('username', 'New username'),
    email: opt.clearable('address', verbatim, 'Email address'),
    name: opt.clearable('name', verbatim, 'Display name'),
    role: opt.choice(roles, 'Role, for your backend to interpret'),
    limit: opt.many('metric=amount/window', limit, 'Limit on all their keys together (repeatable)'),
    noLimit: opt.many(
      'metric[/window]',
      limitName,
      'Remove one limit, or all limits on a metric (repeatable)',
    ),
  },
  run: async (ctx, { user, ...changes }) => (await ctx.operations()).users.update(user, fields(changes)),
  prints: one(changedUser, {
    done: (user, brush) => updatedText('user', user, brush),
  }),
  would: user => `update user ${user.username}`,
})
