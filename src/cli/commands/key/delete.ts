import { key } from '../../../contract/views.ts'
import { arg, command } from '../../define.ts'

export default command({
  name: 'delete',
  effect: 'destroy',
  summary: 'Erase a key with its limits, usage and history of use',
  description: 'To stop a key and keep what it used, revoke it instead.',
  examples: ['latchkey key delete ci', 'latchkey key delete ci --yes'],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  confirm: async (ctx, { key }) => {
    const { name, id } = await (await ctx.operations()).keys.get(await ctx.keySelector(key))
    return { question: `Erase key ${name} (${id}) and all it ever used`, typed: name }
  },
  run: async (ctx, { key }) => (await ctx.operations()).keys.delete(await ctx.keySelector(key)),
  output: key,
  done: key => `Deleted key ${key.name} (${key.id})`,
})
