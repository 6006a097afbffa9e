import { key } from '../../../contract/views/keys.ts'
import { command, one } from '../../declare/define.ts'
import { selecting } from '../thing.ts'

export default command({
  effect: 'read',
  summary: 'Show one key',
  examples: [
    'latchkey key show ci',
    'latchkey key show ci --json',
    'printf %s "$secret" | latchkey key show -',
  ],
  args: selecting('key'),
  run: async (ctx, { key }) => (await ctx.operations()).keys.get(await ctx.keySelector(key)),
  prints: one(key),
})
