import { arg, command } from '../../declare/define.ts'
import { importing, sourceAt } from './drawing.ts'

export default command({
  ...importing,
  effect: 'write',
  summary: 'Import the users and keys of a ccluster',
  description:
    'Reads a SQLite file, a MySQL server (its password may be in MYSQL_PWD), or a folder with users.json, apiKeys.json, chats.json and messages.json of mongoexport. Keys and passwords keep working; only their hashes are imported. A user with the same username here is linked and stays unchanged. A chat comes once, with its messages; what is said in it later stays where it was said. You can run the import again at any time: it applies what changed in the source and keeps what you changed here. A key that is no longer in the source is reported as gone and keeps working, unless you give --revoke-gone. The exit code is 8 if a key is gone or an entry was refused. If any data in the file is bad, nothing is imported.',
  examples: [
    'latchkey import ccluster data/ccluster.db --dry-run',
    'latchkey import ccluster export/ --json',
  ],
  args: { file: arg.one('SQLite database, mysql:// URL, or folder of mongoexport; it is not changed') },
  run: async (ctx, { file, revokeGone }) =>
    (await ctx.operations()).imports.ccluster({ file: sourceAt(ctx, file), revokeGone }),
})
