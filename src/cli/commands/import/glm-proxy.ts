import { arg, command } from '../../declare/define.ts'
import { importing } from './drawing.ts'

export default command({
  ...importing,
  effect: 'write',
  summary: 'Import the keys of a glm-proxy, with their quotas and totals',
  description:
    'Secrets keep working, what was used of a quota still counts, and lifetime totals are kept. You can run the import again at any time: it applies what changed in the source and keeps what you changed here. A key that is no longer in the source is reported as gone and keeps working, unless you give --revoke-gone. The exit code is 8 if a key is gone or an entry was refused. If any data in the file is bad, nothing is imported.',
  examples: [
    'latchkey import glm-proxy data/apikeys.json --dry-run',
    'latchkey import glm-proxy data/sqlite.db --json',
  ],
  args: { file: arg.one('apikeys.json or the SQLite database; it is not changed') },
  run: async (ctx, { file, revokeGone }) =>
    (await ctx.operations()).imports.glmProxy({ file: ctx.path(file), revokeGone }),
})
