/** A checkpoint that was killed after it had written the header and before the file was as long as the header says. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey } from '../../index.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

const pageBytes = 4_096
const length = 600_000

/** The file and the log at the moment before a checkpoint, and the file after it. */
async function checkpointed(sql: readonly string[] = []) {
  const home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  await home.latchkey.close()
  const log = join(home.folder, 'log')
  const client = new Database(home.path)
  client.run('PRAGMA journal_mode = WAL')
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.run('PRAGMA wal_autocheckpoint = 0')
  const before = readFileSync(home.path).length / pageBytes
  client.run(`UPDATE users SET name = hex(randomblob(${length / 2}))`)
  for (const each of sql) client.run(each)
  copyFileSync(`${home.path}-wal`, log)
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
  const whole = readFileSync(home.path)
  const pages = whole.length / pageBytes
  expect(pages).toBeGreaterThan(before + 100)
  return {
    path: home.path,
    before,
    pages,
    /** The state of the kill after so many pages. */
    killedAt: (reached: number) => {
      for (const suffix of ['-wal', '-shm']) rmSync(home.path + suffix, { force: true })
      writeFileSync(home.path, whole.subarray(0, reached * pageBytes))
      copyFileSync(log, `${home.path}-wal`)
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test('what was stored is read and written after a checkpoint was killed anywhere', async () => {
  await using at = await checkpointed()
  for (const reached of [at.before, at.before + 1, Math.floor((at.before + at.pages) / 2), at.pages - 1]) {
    at.killedAt(reached)
    const latchkey = connectLatchkey({ path: at.path })
    expect((await latchkey.users.get('alice')).name).toHaveLength(length)
    expect((await latchkey.diagnose()).checks.filter(({ status }) => status === 'failed')).toEqual([])
    // Reading leaves it to a writer.
    expect(readFileSync(at.path)).toHaveLength(reached * pageBytes)
    await latchkey.users.create({ username: 'bob' })
    await latchkey.close()
    const again = new Database(at.path, { readonly: true })
    expect(again.query('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    again.close()
  }
})

test('a file that lacks what its log lacks too is damaged', async () => {
  await using at = await checkpointed()
  for (const harm of [
    () => rmSync(`${at.path}-wal`),
    () => truncateSync(`${at.path}-wal`, 32 + 40 * (24 + pageBytes)),
    () => truncateSync(at.path, (at.before - 1) * pageBytes),
  ]) {
    at.killedAt(at.before + 1)
    harm()
    const latchkey = connectLatchkey({ path: at.path })
    await expect(latchkey.users.list()).rejects.toMatchObject({ code: 'corrupt' })
    await latchkey.close()
  }
})

test('the database of another program is not touched in this state either', async () => {
  await using at = await checkpointed(['PRAGMA application_id = 7'])
  at.killedAt(at.before + 1)
  const kept = readFileSync(at.path)
  const latchkey = connectLatchkey({ path: at.path })
  await expect(latchkey.users.list()).rejects.toMatchObject({ code: 'database_foreign' })
  await expect(latchkey.users.create({ username: 'bob' })).rejects.toMatchObject({ code: 'database_foreign' })
  await latchkey.close()
  expect(readFileSync(at.path)).toEqual(kept)
  expect(existsSync(`${at.path}-shm`)).toBe(false)
})
