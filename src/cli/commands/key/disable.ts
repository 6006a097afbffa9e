import { key } from '../../../contract/views.ts'
import { arg, command } from '../../define.ts'

export default command({
  name: 'disable',
  effect: 'write',
  summary: 'Turn a key off until it is enabled again',
  examples: ['latchkey key disable ci', 'latchkey key disable ci --dry-run --json'],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  run: async (ctx, { key }) => (await ctx.operations()).keys.disable(await ctx.keySelector(key)),
  output: key,
  done: key => `Disabled key ${key.name} (${key.id}). Undo: latchkey key enable ${key.id}`,
})
