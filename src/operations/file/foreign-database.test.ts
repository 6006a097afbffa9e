/** Databases of a few kilobytes that are made to fill the memory of whoever reads them. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { readGlmProxy } from '../../formats/glm-proxy.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { sqliteReader } from './foreign-database.ts'

/** Text of 300 MB, of which a file holds the expression alone. */
const huge = 'hex(zeroblob(150000000))'
const keys = 'key text PRIMARY KEY, name text, token_limit_per_5h integer, expiry_date text, created_at text'
const more = 'last_used text, total_lifetime_tokens integer'
const windows =
  'CREATE TABLE usage_windows (id integer, api_key text, window_start text, tokens_used integer)'
const oneKey = "INSERT INTO api_keys (key, name, token_limit_per_5h) VALUES ('pk_one_secret', 'One', 1)"
const plain = `CREATE TABLE api_keys (${keys}, ${more}, model text)`

test.each<[what: string, statements: readonly string[], outcome: RegExp]>([
  [
    'a column that is computed',
    [
      windows,
      'ALTER TABLE api_keys DROP COLUMN model',
      `ALTER TABLE api_keys ADD COLUMN model text AS (${huge})`,
    ],
    /has a value of more than 64 MiB/,
  ],
  [
    'one more column that is computed',
    [windows, `ALTER TABLE api_keys ADD COLUMN extra text AS (${huge})`],
    /has a value of more than 64 MiB/,
  ],
  [
    'a computed column that must not be empty',
    [windows, `CREATE TABLE other (a integer, b text NOT NULL AS (${huge}))`, 'INSERT INTO other VALUES (1)'],
    /has a value of more than 64 MiB/,
  ],
  [
    'a CHECK of such a value',
    [
      windows,
      'DROP TABLE api_keys',
      `CREATE TABLE api_keys (${keys}, ${more}, model text, CHECK (length(${huge}) > 0))`,
      oneKey,
    ],
    /^1 key$/,
  ],
  [
    'a view in the place of a table',
    [
      `CREATE VIEW usage_windows AS SELECT ${huge} AS id, '' AS api_key, '' AS window_start, 0 AS tokens_used`,
    ],
    /no table usage_windows/,
  ],
])('%s takes no memory of that size', (_, statements, outcome) => {
  using folder = temporaryFolder()
  const file = folder.file('hostile.db')
  const made = new Database(file)
  made.run('PRAGMA ignore_check_constraints = ON')
  // Adding a computed column afterwards computes nothing.
  made.run(plain)
  made.run(oneKey)
  for (const statement of statements) made.run(statement)
  made.close()
  expect(statSync(file).size).toBeLessThan(40_000)
  const code = `
    import { readFileSync } from 'node:fs'
    import { readGlmProxy } from ${JSON.stringify(join(import.meta.dir, '../../formats/glm-proxy.ts'))}
    import { sqliteReader } from ${JSON.stringify(join(import.meta.dir, 'foreign-database.ts'))}
    const said = await readGlmProxy({ file: ${JSON.stringify(file)}, sqlite: sqliteReader })
      .then(({ keys }) => keys.length + ' key', error => error.message)
    const [, peak] = /^VmHWM:\\s+(\\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
    console.log(JSON.stringify([said, Number(peak) / 1024]))`
  const ran = Bun.spawnSync([process.execPath, '-e', code], { stderr: 'pipe' })
  const [said, peakMiB] = JSON.parse(ran.stdout.toString() || '[]')
  expect(said, ran.stderr.toString()).toMatch(outcome)
  expect(peakMiB).toBeLessThan(400)
})

test('a computed column is not the one of that name that is asked for', async () => {
  using folder = temporaryFolder()
  const file = folder.file('computed.db')
  const made = new Database(file)
  made.run(`CREATE TABLE api_keys (${keys}, ${more}, model text AS ('x'))`)
  made.run(windows)
  made.close()
  expect((await failure(readGlmProxy({ file, sqlite: sqliteReader }))).message).toContain(
    'api_keys has no column model',
  )
})
