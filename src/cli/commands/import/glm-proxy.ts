import { importReport } from '../../../contract/views/imports.ts'
import { arg, command, one } from '../../declare/define.ts'
import { importExit, importLines, importPlanLines, revokeGone } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Take over the keys of a glm-proxy, with their quotas and totals',
  description:
    'The secrets go on working, quotas carry on where they stood, and lifetime totals are kept. Run it again at any time: what has changed in the source since is taken over, what you changed here stays. A key that is no longer in the source is reported as gone and goes on working, unless you say --revoke-gone; it and refused entries make the exit code 8. Bad data anywhere in the file, and nothing is imported.',
  examples: [
    'latchkey import glm-proxy data/apikeys.json --dry-run',
    'latchkey import glm-proxy data/sqlite.db --json',
  ],
  args: { file: arg.one('apikeys.json or the SQLite database; it is only read') },
  options: { revokeGone },
  run: async (ctx, { file, revokeGone }) =>
    (await ctx.operations()).imports.glmProxy({ file: ctx.path(file), revokeGone }),
  prints: one(importReport, { done: importLines }),
  would: importPlanLines,
  exit: importExit,
})
