import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

test.each([
  ['an integer past 2^53', 'SELECT 9007199254740993 AS n', { n: '9007199254740993' }],
  ['the smallest of all', 'SELECT -9223372036854775808 AS n', { n: '-9223372036854775808' }],
  ['the largest that a number holds', 'SELECT 9007199254740991 AS n', { n: 9007199254740991 }],
  ['a fraction', 'SELECT 0.5 AS n', { n: 0.5 }],
  ['bytes', "SELECT x'00ff' AS n", { n: '00ff' }],
  ['columns of one name', 'SELECT 1 AS id, 2 AS id, 3 AS id', { id: 1, 'id:1': 2, 'id:2': 3 }],
  ['a name that is taken', 'SELECT 1 AS id, 2 AS id, 3 AS "id:1"', { id: 1, 'id:2': 2, 'id:1': 3 }],
  ['a name that objects have', 'SELECT 1 AS "__proto__"', Object.fromEntries([['__proto__', 1]])],
])('%s comes out as it is', async (_, sql, row) => {
  await using home = await temporaryLatchkey()
  expect(await home.latchkey.database.query({ sql })).toEqual([row])
  // The same statement again, on a connection that has compiled it.
  expect((await run(['db', 'query', sql, '--json'], { db: home.path })).json()).toEqual([row])
})

test('a name of a column moves no cursor, and its cells are shown', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.close()
  const sql = 'SELECT 7 AS "a\x1b[31mb\nc", 8 AS "d"'
  for (const line of [[], ['--tty'], ['-o', 'wide'], ['--fields', 'd']]) {
    const tty = line[0] === '--tty'
    const words = ['db', 'query', sql, ...(tty ? [] : line)]
    const { out, code } = await run(words, { db: home.path, tty })
    expect(code).toBe(0)
    expect(out).toContain('8')
    if (line[0] === '--fields') continue
    expect(out.split('\n')[0]).toContain('A\\X1B[31MB\\NC')
    expect(out).not.toContain('\x1b[31m')
    expect(out).toContain('7')
  }
})

test('a parameter past 2^53 finds what it names', async () => {
  await using home = await temporaryLatchkey()
  const sql = 'SELECT :n = 9007199254740993 AS same, typeof(:n) AS type'
  const ran = await run(['db', 'query', sql, '--param', 'n=9007199254740993', '--json'], { db: home.path })
  expect(ran.json()).toEqual([{ same: 1, type: 'integer' }])
})
