/** A flipped bit in the write-ahead log: SQLite would show the state before it, and overwrite the rest. */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const frameBytes = 24 + 4096

interface Rotted extends AsyncDisposable {
  readonly latchkey: Latchkey
  readonly path: string
  readonly folder: string
  /** Hashes of the database and its log. */
  readonly bytes: () => string
}

/** Twelve acknowledged users, only in the log. After a power loss `rot` flips the bit. */
async function rottedDatabase(rot: (log: Buffer) => void = flipped): Promise<Rotted> {
  const home = await temporaryLatchkey()
  for (let n = 0; n < 12; n++) await home.latchkey.users.create({ username: `user${n}` })
  const files = ['', '-wal'].map(suffix => [home.path + suffix, readFileSync(home.path + suffix)] as const)
  await home.latchkey.close()
  for (const [path, bytes] of files) {
    if (path.endsWith('-wal')) rot(bytes)
    writeFileSync(path, bytes)
  }
  rmSync(`${home.path}-shm`, { force: true })
  const latchkey = connectLatchkey({ path: home.path })
  return {
    latchkey,
    path: home.path,
    folder: home.folder,
    bytes: () => ['', '-wal'].map(suffix => Bun.hash(readFileSync(home.path + suffix))).join(),
    [Symbol.asyncDispose]: async () => {
      await latchkey.close()
      await home[Symbol.asyncDispose]()
    },
  }
}

function flipped(log: Buffer): void {
  const at = 32 + frameBytes * Math.floor((log.length - 32) / frameBytes / 2) + 24 + 100
  log[at] = (log[at] ?? 0) ^ 0x10
}

const refused = {
  code: 'corrupt',
  exit: 7,
  message: expect.stringMatching(/-wal is damaged: SQLite does not read \d+ transactions in it/),
  hint: expect.stringMatching(/latchkey backup create.*latchkey restore --latest/),
}

test.each<[string, (latchkey: Latchkey) => unknown]>([
  ['opening for writing', latchkey => latchkey.open()],
  ['a user', latchkey => latchkey.users.create({ username: 'late' })],
  ['a price', latchkey => latchkey.usage.prices.set('gpt-x', { inputUsd: 1, outputUsd: 2 })],
  ['a migration', latchkey => latchkey.migrations.migrate({ direction: 'down' })],
  ['vacuum', latchkey => latchkey.database.vacuum()],
  ['optimize', latchkey => latchkey.database.optimize()],
  ['a fast backup, which folds the log', latchkey => latchkey.backups.create({ fast: true })],
])('%s is refused with what to do, and leaves the log as it is', async (_, work) => {
  await using rotted = await rottedDatabase()
  const before = rotted.bytes()
  const error = await (async () => work(rotted.latchkey))().then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect<unknown>(error).toMatchObject(refused)
  await rotted.latchkey.close()
  expect(rotted.bytes()).toBe(before)
})

test('health, doctor and the check of the schema find it, and change nothing', async () => {
  await using rotted = await rottedDatabase()
  const before = rotted.bytes()
  for (const report of [await rotted.latchkey.health(), await rotted.latchkey.diagnose()]) {
    expect(report.damaged).toBe(true)
    expect(report.checks.find(({ name }) => name === 'integrity')).toMatchObject({
      status: 'failed',
      problem: refused.message,
      mend: refused.hint,
    })
  }
  const { problems } = await rotted.latchkey.migrations.check()
  expect(problems).toContainEqual({ kind: 'integrity', detail: refused.message })
  expect(rotted.bytes()).toBe(before)
})

test('what it says to do keeps all that can be read, and the damaged files', async () => {
  await using rotted = await rottedDatabase()
  const { latchkey, folder } = rotted
  const readable = (await latchkey.users.list()).length
  expect(readable).toBeGreaterThan(0)
  expect(readable).toBeLessThan(12)
  const log = readFileSync(`${rotted.path}-wal`)
  const warnings: string[] = []
  await latchkey.backups.create({ onWarning: text => warnings.push(text) })
  expect(warnings).toEqual([expect.stringContaining('-wal is damaged')])
  await latchkey.close()
  const again = connectLatchkey({ path: rotted.path })
  const { movedAside } = await again.backups.restore({ latest: true })
  expect(movedAside.some(path => path.endsWith('-wal') && readFileSync(path).equals(log))).toBe(true)
  expect(readdirSync(folder).filter(name => name.includes('.replaced-')).length).toBeGreaterThanOrEqual(2)
  expect(await again.users.list()).toHaveLength(readable)
  await again.users.create({ username: 'late' })
  expect((await again.health()).damaged).toBe(false)
  await again.close()
})

test.each<[string, (log: Buffer) => void]>([
  ['whole', () => {}],
  ['cut short in its last transaction, as a crash leaves it', log => log.fill(0, log.length - 100)],
])('a log that is %s is written to', async (_, rot) => {
  await using rotted = await rottedDatabase(rot)
  expect((await rotted.latchkey.health()).damaged).toBe(false)
  await rotted.latchkey.users.create({ username: 'late' })
  expect((await rotted.latchkey.users.list()).length).toBeGreaterThanOrEqual(12)
})

test('a database that others write to all the time is opened all the time', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, path } = home
  await latchkey.keys.create({ name: 'shared' })
  const writers = Array.from({ length: 2 }, () =>
    Bun.spawn([process.execPath, join(import.meta.dir, '../../testing/writer.ts'), path, 'shared', '60'], {
      stderr: 'pipe',
    }),
  )
  const running = Promise.all(writers.map(({ exited }) => exited))
  let isDone = false
  running.then(() => {
    isDone = true
  })
  for (let n = 0; !isDone; n++) {
    const other = connectLatchkey({ path })
    other.open()
    if (n % 5 === 0) expect((await other.health()).damaged).toBe(false)
    await other.close()
    await Bun.sleep(1)
  }
  expect(await running).toEqual([0, 0])
})
