import { key } from '../../../contract/views.ts'
import { arg, command, opt } from '../../define.ts'

export default command({
  name: 'revoke',
  effect: 'destroy',
  summary: 'End a key for good; its history and name stay',
  description:
    'Revoking is final. To turn a key off for a while, use key disable; for a new secret, key rotate.',
  examples: [
    'latchkey key revoke ci --reason leaked --yes',
    'printf %s "$secret" | latchkey key revoke - --yes --json',
  ],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  options: { reason: opt.text('text', 'Why, for the record') },
  confirm: async (ctx, { key }) => {
    const { name, id } = await (await ctx.operations()).keys.get(await ctx.keySelector(key))
    return { question: `Revoke key ${name} (${id}) for good` }
  },
  run: async (ctx, { key, reason }) =>
    (await ctx.operations()).keys.revoke(await ctx.keySelector(key), { reason }),
  output: key,
  done: key => `Revoked key ${key.name} (${key.id})`,
})
