import { importReport } from '../../../contract/views/imports.ts'
import { arg, command, one } from '../../declare/define.ts'
import { importExit, importLines, importPlanLines, revokeGone } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Take over the users, projects, keys and usage of a Dokify',
  description:
    'From a folder with a dump per table (users.csv, projects.json, api_keys.ndjson, …), or from a SQLite copy of its schema. Keys and passwords go on working, totals are kept. A user who is here under the same email address is linked, and stays as is. Docs, chats and messages are counted and left behind. Run it again at any time: what has changed in the source since is taken over, what you changed here stays. A key that is no longer in the source is reported as gone and goes on working, unless you say --revoke-gone; it and refused entries make the exit code 8. Bad data anywhere, and nothing is imported.',
  examples: [
    'latchkey import dokify dump/ --dry-run',
    'latchkey import dokify dump/',
    'latchkey import dokify dokify.db --json',
  ],
  args: { source: arg.one('Folder of dumps, or a SQLite database; it is only read') },
  options: { revokeGone },
  run: async (ctx, { source, revokeGone }) =>
    (await ctx.operations()).imports.dokify({ file: ctx.path(source), revokeGone }),
  prints: one(importReport, { done: importLines }),
  would: importPlanLines,
  exit: importExit,
})
