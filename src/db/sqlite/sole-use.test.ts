import { afterEach, expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from '../../testing/folder.ts'
import { nextLine } from '../../testing/lines.ts'
import { Client } from './client.ts'
import { SoleUse } from './sole-use.ts'

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const step of cleanUp.splice(0).toReversed()) step()
})

/** A database with 1,000 rows `old` in its log, and one with 1,000 rows `new` to replace it. */
function scene(pageSize = 4096) {
  const folder = temporaryFolder()
  cleanUp.push(folder.remove)
  const make = (name: string, value: string, bytes: number) => {
    const path = folder.file(name)
    const client = new Client(path)
    client.run(`PRAGMA page_size = ${bytes}`)
    client.run('PRAGMA journal_mode = WAL')
    client.run('CREATE TABLE t (x)')
    client
      .query(
        'WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT ? FROM n',
      )
      .run(value)
    client.close()
    return path
  }
  return { path: make('live.db', 'old', pageSize), copy: make('copy.db', 'new', 4096) }
}

const overwrite = (path: string, from: number, to: number) => {
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xaa, from, to))
}

const count = (path: string, value: string): number => {
  const client = new Client(path, { readwrite: true })
  try {
    expect(client.query('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    return (client.query('SELECT count(*) AS n FROM t WHERE x = ?').get(value) as { n: number }).n
  } finally {
    client.close()
  }
}

/** A process with plain SQLite: runs `before`, reports that, and runs `after` when it gets a line of input. */
async function peer(path: string, before: string, after = '') {
  const code = `
    import { Database } from 'bun:sqlite'
    const client = (globalThis.kept = new Database(${JSON.stringify(path)}))
    ${before}
    console.log('ready')
    for await (const _ of console) break
    ${after}
    client.close(); console.log('done')`
  const child = Bun.spawn([process.execPath, '-e', code], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
  cleanUp.push(() => child.kill(9))
  const lines = child.stdout.getReader()
  const next = () => nextLine(lines)
  expect(await next()).toBe('ready\n')
  return {
    go: () => {
      child.stdin.write('go\n')
      child.stdin.flush()
    },
    end: async () => [await next(), await new Response(child.stderr).text()],
  }
}

const insert = "client.run('PRAGMA busy_timeout = 20000'); client.run(\"INSERT INTO t VALUES ('theirs')\")"

const states: [string, (path: string) => void, boolean][] = [
  ['sound', () => {}, true],
  ['damaged inside', path => overwrite(path, 4096, 4160), true],
  ['damaged in its header', path => overwrite(path, 0, 64), false],
  ['cut short', path => truncateSync(path, 8192), false],
  ['empty', path => truncateSync(path, 0), true],
  ['no database', path => writeFileSync(path, 'x'.repeat(9_000)), false],
]

test.each(states)(
  'what is %s is replaced within its file, and nobody gets in between',
  async (_, spoil, usable) => {
    const { path, copy } = scene()
    spoil(path)
    const { ino } = statSync(path)
    // It has opened the old file but not used it. It uses it while the file is locked, and waits.
    const early = await peer(path, '', insert)
    const use = SoleUse.take(path)!
    early.go()
    const late = await peer(path, '', insert)
    late.go()
    await Bun.sleep(100)
    if (!usable) {
      expect(await use.replaceBy(copy).catch(error => error)).toMatchObject({ code: 'corrupt' })
      use.empty()
    }
    await use.replaceBy(copy)
    use.close()
    expect([await early.end(), await late.end()]).toEqual([
      ['done\n', ''],
      ['done\n', ''],
    ])
    expect([count(path, 'old'), count(path, 'new'), count(path, 'theirs')]).toEqual([0, 1_000, 2])
    expect(statSync(path).ino).toBe(ino)
  },
)

test.each([512, 65_536])('pages of %i bytes give way to others', async pageSize => {
  const { path, copy } = scene(pageSize)
  const use = SoleUse.take(path)!
  await use.replaceBy(copy)
  use.close()
  expect([count(path, 'old'), count(path, 'new')]).toEqual([0, 1_000])
})

test.each([
  ['has read', "client.query('SELECT count(*) FROM t').get()"],
  ['is writing', "client.run('BEGIN IMMEDIATE'); client.run(\"INSERT INTO t VALUES ('theirs')\")"],
])('who %s keeps the file from being taken, damaged in its header too', async (_, before) => {
  const { path } = scene()
  const other = await peer(path, before, "client.inTransaction && client.run('COMMIT')")
  expect(SoleUse.take(path)).toBeUndefined()
  overwrite(path, 0, 64)
  expect(SoleUse.take(path)).toBeUndefined()
  other.go()
})

test('a connection of this process keeps the file from being taken, and loses no lock', async () => {
  const { path } = scene()
  const client = new Client(path, { readwrite: true })
  client.run('BEGIN IMMEDIATE')
  expect(SoleUse.take(path)).toBeUndefined()
  const other = await peer(
    path,
    '',
    "try { client.run('BEGIN IMMEDIATE') } catch (e) { console.log(e.code) }",
  )
  other.go()
  expect((await other.end())[0]).toContain('SQLITE_BUSY\n')
  client.close()
})

test('what a log holds is not lost when the file is left as it was', () => {
  const { path } = scene()
  const child = Bun.spawnSync([
    process.execPath,
    '-e',
    `const c = new (require('bun:sqlite').Database)(${JSON.stringify(path)}); c.run("INSERT INTO t VALUES ('logged')"); process.kill(process.pid, 9)`,
  ])
  expect([child.signalCode, existsSync(`${path}-wal`)]).toEqual(['SIGKILL', true])
  SoleUse.take(path)?.close()
  expect(count(path, 'logged')).toBe(1)
})
