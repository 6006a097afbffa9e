import { queryRow } from '../../../contract/views/database.ts'
import { arg, command, opt, rows } from '../../declare/define.ts'
import { parameter } from '../../declare/parse.ts'

export default command({
  effect: 'read',
  summary: 'Print the rows of one SQL statement that only reads',
  description:
    'SELECT, WITH, VALUES, EXPLAIN, and pragmas that tell and change nothing. - reads the statement from stdin. The tables are not part of the contract: they change with the schema. Bytes are printed as hexadecimal digits, integers past 2^53 as text, and columns of the same name as id and id:1.',
  examples: [
    'latchkey db query "SELECT name, requests FROM keys ORDER BY requests DESC LIMIT 5"',
    'latchkey db query "SELECT name FROM keys WHERE requests > :least" --param least=1000 -o csv',
    'latchkey db query - --json < question.sql',
  ],
  args: { sql: arg.one('The statement, or - to read it from stdin') },
  options: { param: opt.many('name=value', parameter, 'Value of :name in the statement; repeatable') },
  run: async (ctx, { sql, param }) =>
    (await ctx.operations()).database.query({
      sql: sql === '-' ? await ctx.readStdin() : sql,
      params: Object.fromEntries(param ?? []),
    }),
  prints: rows(queryRow, { empty: 'No rows.' }),
})
