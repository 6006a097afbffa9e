import { arg, command } from '../../declare/define.ts'
import { importing } from './drawing.ts'

export default command({
  ...importing,
  effect: 'write',
  summary: 'Import the users, projects, docs, keys and usage of a Dokify',
  description:
    'Reads a folder with a dump per table (users.csv, projects.json, api_keys.ndjson, …), or a SQLite copy of its schema. Keys and passwords keep working, and totals are kept. A user with the same email address here is linked and stays unchanged. Docs become files of their project, each once. You can run the import again at any time: it applies what changed in the source and keeps what you changed here. A key that is no longer in the source is reported as gone and keeps working, unless you give --revoke-gone. The exit code is 8 if a key is gone or an entry was refused. If any data is bad, nothing is imported.',
  examples: [
    'latchkey import dokify dump/ --dry-run',
    'latchkey import dokify dump/',
    'latchkey import dokify dokify.db --json',
  ],
  args: { source: arg.one('Folder of dumps, or a SQLite database; it is not changed') },
  run: async (ctx, { source, revokeGone }) =>
    (await ctx.operations()).imports.dokify({ file: ctx.path(source), revokeGone }),
})
