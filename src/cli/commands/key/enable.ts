import { key } from '../../../contract/views.ts'
import { arg, command } from '../../define.ts'

export default command({
  name: 'enable',
  effect: 'write',
  summary: 'Turn a disabled key on again',
  examples: ['latchkey key enable ci', 'latchkey key enable ci --dry-run --json'],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  run: async (ctx, { key }) => (await ctx.operations()).keys.enable(await ctx.keySelector(key)),
  output: key,
  done: key => `Enabled key ${key.name} (${key.id})`,
})
