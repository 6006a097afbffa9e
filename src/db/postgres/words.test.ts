/** The words that PostgreSQL has no own ones for mean what SQLite's do, tried side by side. */
import { Database as Sqlite } from 'bun:sqlite'
import { expect } from 'bun:test'
import { SQL } from 'bun'
import { emptyDatabase, requirePostgres } from '../../testing/postgres.ts'
import { holdsPattern, type SQL as Part, sql, totalOf } from '../query.ts'
import { fits, isJson, isList } from '../schema/columns.ts'
import { SqliteDialect } from '../sqlite/dialect.ts'
import { PostgresDialect } from './dialect.ts'
import { functions } from './functions.ts'

const texts = [
  '',
  '[]',
  '["a","b*"]',
  '{}',
  '"x"',
  '1',
  'null',
  '[1',
  '{"a":"\\u00e9"}',
  'a_b',
  'aXb',
  'key_1',
  'Key_1',
  'a%',
  'a\\b',
  'ab12',
  'abxy',
]

const value = (text: string) => sql`CAST(${text} AS text)` as never

const questions: readonly (readonly [string, (text: string) => Part])[] = [
  ['whether it is JSON', text => isJson(value(text))],
  ['whether it is a list', text => sql`CASE WHEN ${isJson(value(text))} THEN ${isList(value(text))} END`],
  ...['key_*', '*[^0-9a-f]*', '?_?', 'a%', 'a\\b'].map(
    pattern =>
      [`whether it fits ${pattern}`, (text: string) => sql`${value(text)} ${fits(pattern)}`] as const,
  ),
  ...['["a*"]', '["a_b","A?"]', '["*1*2"]', '["a%"]', '["a\\\\b"]', '[]'].map(
    list => [`whether it fits one of ${list}`, (text: string) => holdsPattern(value(list), text)] as const,
  ),
  [
    'a total',
    text =>
      sql`(SELECT ${totalOf(sql`n.n`)} FROM (SELECT length(${value(text)}) AS n WHERE ${text} <> '') AS n)`,
  ],
]

requirePostgres()('each word means on PostgreSQL what it means on SQLite', async () => {
  await using made = await emptyDatabase()
  const postgres = new SQL(made.url, { max: 1, tls: false })
  const sqlite = new Sqlite(':memory:')
  await postgres.unsafe(functions)
  for (const [what, ask] of questions) {
    for (const text of texts) {
      const there = new PostgresDialect().sqlToQuery(sql`SELECT ${ask(text)} AS it`)
      const here = new SqliteDialect().sqlToQuery(sql`SELECT ${ask(text)} AS it`)
      const [row] = await postgres.unsafe(there.sql, there.params)
      const [[it] = []] = sqlite.query(here.sql).values(...(here.params as string[]))
      expect(row.it === null ? null : Number(row.it), `${what}: ${text}`).toBe(it as number)
    }
  }
  await postgres.close()
})
