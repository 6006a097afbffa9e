import { nouns } from '../../../contract/nouns.ts'
import { key } from '../../../contract/views/keys.ts'
import { arg, command, one } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show one key',
  examples: [
    'latchkey key show ci',
    'latchkey key show ci --json',
    'printf %s "$secret" | latchkey key show -',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  run: async (ctx, { key }) => (await ctx.operations()).keys.get(await ctx.keySelector(key)),
  prints: one(key),
})
