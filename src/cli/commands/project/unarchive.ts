import { changedProject } from '../../../contract/views/people.ts'
import { command } from '../../declare/define.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Unarchive a project; its keys work again',
  examples: ['latchkey project unarchive shop'],
  args: selecting('project'),
  run: async (ctx, { project }) => (await ctx.operations()).projects.unarchive(project),
  prints: outcome('project', changedProject, project => `Unarchived ${project.slug}`),
  would: project => `unarchive ${project.slug}`,
})
