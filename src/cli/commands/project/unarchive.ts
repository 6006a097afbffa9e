import { nouns } from '../../../contract/nouns.ts'
import { changedProject } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: 'Take an archived project back: its keys work again',
  examples: ['latchkey project unarchive shop'],
  args: { project: arg.one(nouns.project.selectors) },
  run: async (ctx, { project }) => (await ctx.operations()).projects.unarchive(project),
  prints: one(changedProject, {
    done: project =>
      outcomeText(
        `Took ${project.slug} back from the archive`,
        `project ${project.slug} (${project.id})`,
        project,
      ),
  }),
  would: project => `take ${project.slug} back from the archive`,
})
