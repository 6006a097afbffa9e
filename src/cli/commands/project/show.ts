import { projectDetails } from '../../../contract/views/people.ts'
import { showing } from '../thing.ts'

export default showing(
  'project',
  projectDetails,
  async (ctx, { project }) => (await ctx.operations()).projects.get(project),
  {
    summary: 'Show one project and its members',
    examples: ['latchkey project show shop', 'latchkey project show shop --json'],
  },
)
