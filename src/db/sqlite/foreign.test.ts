/** Databases of other programs are refused before they are opened, wherever a path can be given. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

/** As after a power loss while its program had it open: rows only in the log. */
function strangersDatabase(path: string, journal: 'WAL' | 'DELETE'): void {
  using folder = temporaryFolder()
  const live = folder.file('live.db')
  const client = new Database(live)
  client.run(`PRAGMA journal_mode = ${journal}`)
  client.run('PRAGMA wal_autocheckpoint = 0')
  client.run('CREATE TABLE songs (title TEXT, filler BLOB)')
  if (journal === 'DELETE') {
    // Its journal is hot: opening it would roll the transaction back.
    client.run('INSERT INTO songs VALUES (1, randomblob(9000))')
    client.run('PRAGMA cache_size = 1')
    client.run('BEGIN')
    for (let n = 0; n < 40; n++) client.run(`INSERT INTO songs VALUES (${n}, randomblob(9000))`)
  } else {
    for (let n = 0; n < 4; n++) client.run(`INSERT INTO songs VALUES (${n}, NULL)`)
  }
  const suffix = journal === 'WAL' ? '-wal' : '-journal'
  copyFileSync(live, path)
  copyFileSync(live + suffix, path + suffix)
  client.close()
}

const contents = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.startsWith('theirs.db') && statSync(`${folder}/${name}`).isFile())
    .sort()
    .map(name => `${name} ${Bun.hash(readFileSync(`${folder}/${name}`))}`)

type Attempt = (at: { readonly own: Latchkey; readonly theirs: Latchkey; readonly path: string }) => unknown

const attempts: readonly (readonly [string, Attempt])[] = [
  ['opened', ({ theirs }) => theirs.open()],
  ['read', ({ theirs }) => theirs.users.list()],
  ['verified against', ({ theirs }) => theirs.keys.verify('nobody-has-this-secret')],
  ['written to', ({ theirs }) => theirs.users.create({ username: 'alice' })],
  ['streamed from', async ({ theirs }) => Array.fromAsync(theirs.keys.stream())],
  ['migrated', ({ theirs }) => theirs.migrations.migrate({ direction: 'up' })],
  ['vacuumed', ({ theirs }) => theirs.database.vacuum()],
  ['optimized', ({ theirs }) => theirs.database.optimize()],
  ['backed up', ({ theirs }) => theirs.backups.create({ fast: true })],
  ['restored over', ({ own, path }) => own.backups.restore({ latest: true, to: path })],
  ['restored into', ({ own, path }) => own.backups.restore({ latest: true, to: path, inPlace: true })],
  ['given a key', ({ own, path }) => own.backups.restore({ latest: true, to: path, key: 'ci' })],
  ['undone', ({ own, path }) => own.backups.restore({ undo: true, to: path })],
]

for (const journal of ['WAL', 'DELETE'] as const) {
  test.each(attempts)(
    `a stranger's database in ${journal} mode that is to be %s is not touched`,
    async (_, attempt) => {
      await using home = await temporaryLatchkey()
      await home.latchkey.keys.create({ name: 'ci' })
      await home.latchkey.backups.create()
      const path = `${home.folder}/theirs.db`
      strangersDatabase(path, journal)
      const before = contents(home.folder)
      expect(before).toHaveLength(2)
      const theirs = connectLatchkey({ path })
      const error = await (async () => attempt({ own: home.latchkey, theirs, path }))().then(
        () => undefined,
        (failure: unknown) => failure,
      )
      await theirs.close()
      expect<unknown>(error).toMatchObject({ code: 'database_foreign', exit: 78 })
      expect(contents(home.folder)).toEqual(before)
    },
  )
}

test("health and doctor say that it is somebody else's, and touch nothing", async () => {
  using folder = temporaryFolder()
  const path = folder.file('theirs.db')
  strangersDatabase(path, 'WAL')
  const before = contents(folder.path)
  const theirs = connectLatchkey({ path })
  for (const { checks } of [await theirs.health(), await theirs.diagnose()]) {
    expect(checks.find(({ name }) => name === 'schema')).toMatchObject({
      status: 'failed',
      problem: expect.stringContaining("not one of Latchkey's"),
    })
  }
  await theirs.close()
  expect(contents(folder.path)).toEqual(before)
})

test("a stranger's database in the place of the lock of a folder is not touched", async () => {
  await using home = await temporaryLatchkey()
  const path = `${home.folder}/theirs.db`
  mkdirSync(path)
  strangersDatabase(`${path}/.latchkey-lock`, 'WAL')
  const before = contents(home.folder)
  const error = await home.latchkey.backups.create({ to: path }).catch((failure: unknown) => failure)
  expect<unknown>(error).toMatchObject({ code: 'config', message: expect.stringContaining('.latchkey-lock') })
  expect(contents(home.folder)).toEqual(before)
})

test('a file that is no database at all is not touched, nor what lies beside it', async () => {
  using folder = temporaryFolder()
  const path = folder.write('theirs.db', 'x'.repeat(9_000))
  writeFileSync(`${path}-wal`, 'somebody keeps notes here')
  const before = contents(folder.path)
  const theirs = connectLatchkey({ path })
  expect(theirs.users.create({ username: 'alice' })).rejects.toMatchObject({ code: 'corrupt' })
  expect(theirs.users.list()).rejects.toMatchObject({ code: 'corrupt' })
  await theirs.close()
  expect(contents(folder.path)).toEqual(before)
  rmSync(path)
})
