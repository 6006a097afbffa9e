import { transferredDatabase } from '../../../contract/views/database.ts'
import { many } from '../../../text/quantity.ts'
import { arg, command, one, opt } from '../../declare/define.ts'

export default command({
  effect: 'write',
  summary: 'Copy a database from SQLite to PostgreSQL or back',
  description:
    'Copies one moment of the database while it is in use, to an empty database on PostgreSQL or to a file that does not exist. Every row is read back and compared. With --rest, what has changed since is brought over: stop the gateway, run it, and start the gateway on the copy. docs/postgres.md has the steps. --dry-run does all the work and keeps nothing.',
  examples: [
    'latchkey db copy latchkey.db postgres://latchkey@localhost/latchkey --dry-run',
    'latchkey db copy latchkey.db postgres://latchkey@localhost/latchkey',
    'latchkey db copy latchkey.db postgres://latchkey@localhost/latchkey --rest',
    'latchkey db copy postgres://latchkey@localhost/latchkey new.db --json',
  ],
  args: {
    from: arg.one('File of a database, or its URL on PostgreSQL'),
    to: arg.one('The same, of the copy'),
  },
  options: { rest: opt.flag('Bring over what has changed since an earlier copy') },
  run: async (ctx, { from, to, rest }) =>
    (await ctx.operations()).database.transfer({ from: ctx.database(from), to: ctx.database(to), rest }),
  prints: one(transferredDatabase, {
    done: ({ from, to, rows, tables, rest }) => {
      const changed = tables.reduce((sum, table) => sum + table.changed, 0)
      const brought = rest ? `Brought over ${many(changed, 'row')}` : 'Copied'
      return `${brought} from ${from} to ${to}: ${many(rows, 'row')} in ${many(tables.length, 'table')}, all compared`
    },
  }),
  would: ({ to, rows }) =>
    `write ${many(rows, 'row')} to ${to}; all were copied and compared, then taken back`,
})
