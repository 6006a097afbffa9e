import { nouns } from '../../../contract/nouns.ts'
import { project } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show one project and its members',
  examples: ['latchkey project show shop', 'latchkey project show shop --json'],
  args: { project: arg.one(nouns.project.selectors) },
  run: async (ctx, { project }) => (await ctx.operations()).projects.get(project),
  prints: one(project),
})
