import { keyDetails } from '../../../contract/views/keys.ts'
import { showing } from '../thing.ts'

export default showing(
  'key',
  keyDetails,
  async (ctx, { key }) => (await ctx.operations()).keys.get(await ctx.keySelector(key)),
  {
    summary: 'Show one key',
    examples: [
      'latchkey key show ci',
      'latchkey key show ci --json',
      'printf %s "$secret" | latchkey key show -',
    ],
  },
)
