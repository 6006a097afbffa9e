import { nouns } from '../../../contract/nouns.ts'
import { changedProject } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: 'Unarchive a project; its keys work again',
  examples: ['latchkey project unarchive shop'],
  args: { project: arg.one(nouns.project.selectors) },
  run: async (ctx, { project }) => (await ctx.operations()).projects.unarchive(project),
  prints: one(changedProject, {
    done: project => outcomeText(`Unarchived ${project.slug}`, 'project', project),
  }),
  would: project => `unarchive ${project.slug}`,
})
