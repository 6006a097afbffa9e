import { nouns } from '../../../contract/nouns.ts'
import { changedProject } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: 'Put a project away: its keys stop working until it is taken back',
  examples: ['latchkey project archive shop', 'latchkey project archive shop --dry-run'],
  args: { project: arg.one(nouns.project.selectors) },
  run: async (ctx, { project }) => (await ctx.operations()).projects.archive(project),
  prints: one(changedProject, {
    done: project =>
      outcomeText(
        `Archived ${project.slug}: its keys answer project_archived. Undo: latchkey project unarchive ${project.slug}`,
        `project ${project.slug} (${project.id})`,
        project,
      ),
  }),
  would: project => `archive ${project.slug}: its keys would answer project_archived`,
})
