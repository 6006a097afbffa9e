import { importUndo } from '../../../contract/views/imports.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { importUndoLines, importUndoPlanLines } from './drawing.ts'

export default command({
  effect: 'destroy',
  summary: 'Take back exactly what one import made and changed',
  description:
    'Users, projects and keys that it made are removed, what it changed is as it was before, usage that it added is subtracted; all or nothing. What was changed or used here since stops it, and is listed. Imports of the same things are undone newest first.',
  examples: [
    'latchkey import undo imp_01kaqv8w2e --dry-run',
    'latchkey import undo imp_01kaqv8w2e --yes',
    'latchkey import undo imp_01kaqv8w2e --keep-changed --yes --json',
  ],
  args: { import: arg.one('Id of the import, or its beginning; latchkey import list shows them') },
  options: {
    keepChanged: opt.flag('Leave what was changed or used since as it is, and take back the rest'),
  },
  confirm: async (ctx, input) => {
    const { id, source, at, created, updated } = await (await ctx.operations()).imports.get(input.import)
    return {
      question: `Take back the import of ${source} of ${await ctx.ago(at)} (${id}): ${created} created, ${updated} updated`,
    }
  },
  run: async (ctx, input) =>
    (await ctx.operations()).imports.undo(input.import, { keepChanged: input.keepChanged }),
  prints: one(importUndo, { done: importUndoLines }),
  would: importUndoPlanLines,
})
