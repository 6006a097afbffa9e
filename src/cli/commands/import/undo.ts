import { importUndo } from '../../../contract/views/imports.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { importUndoLines, importUndoPlanLines } from './drawing.ts'

export default command({
  effect: 'destroy',
  summary: 'Undo one import: remove what it created, revert what it changed',
  description:
    'Removes the users, projects and keys that the import created, reverts what it changed and subtracts the usage it added: all of it or nothing. Refuses, with a list, if any of them was changed or used since. If several imports changed the same things, undo the newest first.',
  examples: [
    'latchkey import undo imp_01kaqv8w2e --dry-run',
    'latchkey import undo imp_01kaqv8w2e --yes',
    'latchkey import undo imp_01kaqv8w2e --keep-changed --yes --json',
  ],
  args: { import: arg.one('Id of the import, or its beginning; latchkey import list shows them') },
  options: {
    keepChanged: opt.flag('Keep what was changed or used since, and undo the rest'),
  },
  confirm: async (ctx, input) => {
    const { id, source, at, created, updated, revoked } = await (await ctx.operations()).imports.get(
      input.import,
    )
    return {
      question: `Undo the import of ${source} from ${await ctx.ago(at)} (${id}): ${created} created, ${updated} updated${revoked === 0 ? '' : `, ${revoked} revoked`}`,
    }
  },
  run: async (ctx, input) =>
    (await ctx.operations()).imports.undo(input.import, { keepChanged: input.keepChanged }),
  prints: one(importUndo, { done: importUndoLines }),
  would: importUndoPlanLines,
})
