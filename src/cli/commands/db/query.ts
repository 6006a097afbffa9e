import { queryRow } from '../../../contract/views/database.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { parameter } from '../../declare/parse.ts'

export default command({
  effect: 'read',
  summary: 'Run one read-only SQL statement and print its rows',
  description:
    'Accepts SELECT, WITH, VALUES, EXPLAIN and read-only pragmas. Use - to read the statement from stdin. The tables are not a stable interface: they change with the schema. Bytes are printed in hexadecimal, integers above 2^53 as text, and columns with the same name as id and id:1.',
  examples: [
    'latchkey db query "SELECT name, created_at FROM keys ORDER BY created_at DESC LIMIT 5"',
    'latchkey db query "SELECT name FROM keys WHERE requests > :least" --param least=1000 -o csv',
    'latchkey db query - --json < question.sql',
  ],
  args: { sql: arg.one('The statement, or - to read it from stdin') },
  options: { param: opt.many('name=value', parameter, 'Value for :name in the statement (repeatable)') },
  run: async (ctx, { sql, param }) =>
    (await ctx.operations()).database.query({
      sql: sql === '-' ? await ctx.readStdin() : sql,
      params: Object.fromEntries(param ?? []),
    }),
  prints: rows(queryRow, { empty: 'No rows.' }),
})
