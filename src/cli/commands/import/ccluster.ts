import { importReport } from '../../../contract/views/imports.ts'
import { arg, command, one } from '../../declare/define.ts'
import { importExit, importLines, importPlanLines, revokeGone } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Take over the users and keys of a ccluster',
  description:
    'Keys and passwords go on working, though only their hashes are known. A user who is here under the same username is linked, and stays as is. Chats and messages are counted and left behind. Run it again at any time: what has changed in the source since is taken over, what you changed here stays. A key that is no longer in the source is reported as gone and goes on working, unless you say --revoke-gone; it and refused entries make the exit code 8. Bad data anywhere in the file, and nothing is imported.',
  examples: [
    'latchkey import ccluster data/ccluster.db --dry-run',
    'latchkey import ccluster data/ccluster.db --json',
  ],
  args: { file: arg.one('The SQLite database; it is only read') },
  options: { revokeGone },
  run: async (ctx, { file, revokeGone }) =>
    (await ctx.operations()).imports.ccluster({ file: ctx.path(file), revokeGone }),
  prints: one(importReport, { done: importLines }),
  would: importPlanLines,
  exit: importExit,
})
