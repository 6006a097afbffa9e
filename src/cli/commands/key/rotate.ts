import { rotatedKey } from '../../../contract/views.ts'
import { arg, command, opt } from '../../define.ts'
import { durationOrZero } from '../../parse.ts'

export default command({
  name: 'rotate',
  effect: 'write',
  summary: 'Give a key a new secret; limits, usage and history stay',
  description:
    'Without --grace the old secret stops working at once. Grace never outlives the expiry of the key.',
  examples: ['latchkey key rotate ci --grace 24h', 'latchkey key rotate ci --json'],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  options: {
    grace: opt.as('duration', durationOrZero, 'How long the old secret goes on working (default: 0)'),
  },
  run: async (ctx, { key, grace }) =>
    (await ctx.operations()).keys.rotate(await ctx.keySelector(key), { graceMs: grace }),
  revealsSecret: () => true,
  output: rotatedKey,
  done: (key, brush) =>
    [
      `Rotated key ${key.name} (${key.id}); the old secret ${
        key.previousSecretEndsAt > brush.now
          ? `works until ${brush.time(key.previousSecretEndsAt)}`
          : 'no longer works'
      }`,
      ...(key.secret === null ? [] : [key.secret]),
    ].join('\n'),
  notice: key => (key.secret === null ? undefined : 'Copy it now: it cannot be shown again.'),
})
