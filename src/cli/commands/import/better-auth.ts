import { arg, command } from '../../declare/define.ts'
import { importing, sourceAt } from './drawing.ts'

export default command({
  ...importing,
  effect: 'write',
  summary: 'Import the users, organizations and keys of a Better Auth',
  description:
    'Reads the SQLite file of an application on Better Auth, or its PostgreSQL, MySQL or MariaDB server, in the layouts of Kysely and Drizzle. Passwords, keys and signed-in sessions keep working; only hashes of secrets and tokens are stored. A user with the same email address here is linked and stays unchanged. You can run the import again at any time: it applies what changed in the source and keeps what you changed here. What is no longer in the source is reported as gone and stays, unless you give --revoke-gone, which revokes such keys; a session that ended there ends here. The exit code is 8 if something is gone or was refused. If any data of a user or key is bad, nothing is imported. Give the password of a server as PGPASSWORD or MYSQL_PWD.',
  examples: [
    'latchkey import better-auth auth.db --dry-run',
    "latchkey import better-auth 'postgres://app@db.example.org/app?sslmode=verify-full' --json",
  ],
  args: { source: arg.one('SQLite database, or postgres:// or mysql:// URL; it is not changed') },
  run: async (ctx, { source, revokeGone }) =>
    (await ctx.operations()).imports.betterAuth({ file: sourceAt(ctx, source), revokeGone }),
})
