/** Rows between a file and what PostgreSQL copies: every value comes back as it was, wherever a chunk ends. */
import { expect, test } from 'bun:test'
import { Client } from '../../../db/sqlite/client.ts'
import { failure } from '../../../testing/failure.ts'
import { chunksOf, RowReader, tablesOf } from './tables.ts'

const texts = [
  '',
  'plain',
  '\uFEFFmark',
  'a\\b',
  '\\N',
  '\\x00',
  'tab\tline\nend\r\v\f\b',
  'Zoë 🔑',
  '007',
  '-1',
]
const numbers = [0, -1, 7, 10 ** 15, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]
const bytes = [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, byte) => byte), null]

function tableOf(rows: readonly (readonly unknown[])[]) {
  const client = new Client(':memory:')
  client.run('CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT, amount INTEGER, content BLOB) STRICT')
  for (const row of rows) client.query('INSERT INTO t VALUES (?, ?, ?, ?)').run(...(row as string[]))
  const [table] = tablesOf(client)
  return { client, table: table! }
}

test('every value comes back, wherever a chunk ends', () => {
  const rows = Array.from({ length: 210 }, (_, n) => [
    n,
    texts[n % texts.length],
    numbers[n % numbers.length],
    bytes[n % bytes.length],
  ])
  const { client, table } = tableOf(rows)
  const sent = Buffer.concat([...chunksOf(client, table)])
  const other = tableOf([])
  for (const length of [1, 2, 7, 1000, sent.length]) {
    const reader = new RowReader(table)
    const values: unknown[] = []
    for (let at = 0; at < sent.length; at += length)
      values.push(...reader.read(sent.subarray(at, at + length)))
    const insert = other.client.query('INSERT INTO t VALUES (?, ?, ?, ?)')
    for (let at = 0; at < values.length; at += 4) insert.run(...(values.slice(at, at + 4) as string[]))
    expect(Buffer.concat([...chunksOf(other.client, other.table)]).equals(sent)).toBe(true)
    expect(other.client.query('SELECT * FROM t ORDER BY id').values()).toEqual(
      client.query('SELECT * FROM t ORDER BY id').values(),
    )
    other.client.run('DELETE FROM t')
  }
})

test('a number that is not exact in JavaScript is refused, not rounded', async () => {
  const { client, table } = tableOf([[1, 'x', 2n ** 53n + 1n, null]])
  expect(await failure((async () => [...chunksOf(client, table)])())).toMatchObject({ code: 'invalid' })
})
