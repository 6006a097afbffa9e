import { changedProject } from '../../../contract/views/people.ts'
import { lineOf } from '../../../text/shell-word.ts'
import { command } from '../../declare/define.ts'
import { outcome, selecting } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Archive a project; its keys stop working until it is unarchived',
  examples: ['latchkey project archive shop', 'latchkey project archive shop --dry-run'],
  args: selecting('project'),
  run: async (ctx, { project }) => (await ctx.operations()).projects.archive(project),
  prints: outcome(
    'project',
    changedProject,
    project =>
      `Archived ${project.slug}: its keys no longer work. Undo: ${lineOf('project unarchive', project.slug)}`,
  ),
  would: project => `archive ${project.slug}: its keys would stop working`,
})
