import { nouns } from '../../../contract/nouns.ts'
import { changedProject } from '../../../contract/views/people.ts'
import { arg, command, one } from '../../declare/define.ts'
import { outcomeText } from '../changes.ts'

export default command({
  effect: 'write',
  summary: 'Archive a project; its keys stop working until it is unarchived',
  examples: ['latchkey project archive shop', 'latchkey project archive shop --dry-run'],
  args: { project: arg.one(nouns.project.selectors) },
  run: async (ctx, { project }) => (await ctx.operations()).projects.archive(project),
  prints: one(changedProject, {
    done: project =>
      outcomeText(
        `Archived ${project.slug}: its keys no longer work. Undo: latchkey project unarchive ${project.slug}`,
        'project',
        project,
      ),
  }),
  would: project => `archive ${project.slug}: its keys would stop working`,
})
