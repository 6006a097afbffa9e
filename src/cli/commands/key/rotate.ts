import { nouns } from '../../../contract/nouns.ts'
import { rotatedKey } from '../../../contract/views/keys.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { durationOrZero } from '../../declare/times.ts'
import { delivered, deliveredLines, deliveryNotice, deliveryOptions, revealsSecret } from './delivery.ts'
import { isInUse } from './matching.ts'

export default command({
  effect: 'write',
  summary: 'Give a key a new secret; limits, usage and history stay',
  description:
    'Without --grace the old secret stops working at once; on a terminal that is asked about first when the key was used in the last 7 days. Grace never outlives the expiry of the key. With --request-id a retry rotates nothing: it answers with the rotation of that name, whose secret is not shown again.',
  examples: [
    'latchkey key rotate ci --grace 24h',
    'latchkey key rotate ci --request-id deploy-2026-11 --out /run/secrets/ci',
    'latchkey key rotate ci --json',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  options: {
    grace: opt.as('duration', durationOrZero, 'How long the old secret goes on working (default: 0)'),
    requestId: opt.text('id', 'Your name for this rotation: the same again is no second one'),
    ...deliveryOptions,
  },
  asks: ({ grace }) => grace === undefined,
  goesAheadAlone: true,
  confirm: async (ctx, { key: selector }) => {
    const { keys } = await ctx.operations()
    const { id, name, lastUsedAt } = await keys.get(await ctx.keySelector(selector))
    if (lastUsedAt === null || !isInUse({ lastUsedAt }, ctx.now())) return undefined
    return {
      question: `Key ${name} was used ${await ctx.ago(lastUsedAt)}, and without --grace its secret stops working at once. Rotate it`,
      binds: { key: id },
    }
  },
  run: async (ctx, { key, grace, requestId, out, raw }) => {
    const [rotated] = await delivered(ctx, { out, raw }, async deliver => {
      const { keys } = await ctx.operations()
      return [await keys.rotate(await ctx.keySelector(key), { graceMs: grace, requestId, deliver })]
    })
    if (rotated === undefined) throw new Error('a key was rotated, but not returned')
    return rotated
  },
  revealsSecret,
  prints: one(rotatedKey, {
    done: (key, brush) =>
      [
        `${key.repeated ? 'Was rotated before: key' : 'Rotated key'} ${key.name} (${key.id}); the old secret ${
          key.previousSecretEndsAt > brush.now
            ? `works until ${brush.dated(key.previousSecretEndsAt)}`
            : 'no longer works'
        }`,
        ...(key.secret === null ? [] : [key.secret]),
      ].join('\n'),
  }),
  lines: (key, typed) => deliveredLines([key], typed),
  would: (key, brush) =>
    key.repeated
      ? undefined
      : `rotate key ${key.name}; the old secret would ${
          key.previousSecretEndsAt > brush.now
            ? `work until ${brush.dated(key.previousSecretEndsAt)}`
            : 'stop working at once'
        }`,
  notice: (key, typed) =>
    key.repeated
      ? 'The secret was shown when the rotation was done. Lost it? Rotate again under another --request-id.'
      : deliveryNotice([key], typed, `Rotated key ${key.name} (${key.id})`),
})
