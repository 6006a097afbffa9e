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
    'Without --grace the old secret stops working at once; on a terminal you are asked first if the key was used in the last 7 days. The grace period never outlasts the expiry of the key. With --request-id you can retry safely: the same id again rotates nothing and returns the first rotation, without its secret.',
  examples: [
    'latchkey key rotate ci --grace 24h',
    'latchkey key rotate ci --request-id deploy-2026-11 --out /run/secrets/ci',
    'latchkey key rotate ci --json',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  options: {
    grace: opt.as('duration', durationOrZero, 'How long the old secret keeps working (default: 0)'),
    requestId: opt.text('id', 'Your own id for this rotation; the same id again does not rotate twice'),
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
        `${key.repeated ? 'Already rotated: key' : 'Rotated key'} ${key.name} (${key.id}); the old secret ${
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
      ? 'The secret was shown when the key was rotated. If you lost it, rotate again with another --request-id.'
      : deliveryNotice([key], typed, `Rotated key ${key.name} (${key.id})`),
})
