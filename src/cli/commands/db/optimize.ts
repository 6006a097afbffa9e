import { optimized } from '../../../contract/views/database.ts'
import { command, one } from '../../declare/define.ts'

export default command({
  effect: 'write',
  summary: 'Delete what has expired, and update the statistics for queries',
  examples: ['latchkey db optimize', 'latchkey db optimize --dry-run'],
  run: async ctx => (await ctx.operations()).database.optimize(),
  prints: one(optimized, {
    done: ({ statements }) => (statements.length === 0 ? 'Nothing to do' : `Ran ${statements.join('; ')}`),
  }),
  would: ({ statements }) => (statements.length === 0 ? 'do nothing' : `run ${statements.join('; ')}`),
})
