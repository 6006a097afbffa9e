import { afterEach, beforeEach, expect, test } from 'bun:test'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { withSource } from '../../formats/source.ts'
import { sqliteReader } from '../../operations/file/foreign-database.ts'
import { type TemporaryFolder, temporaryFolder } from '../../testing/folder.ts'
import { Client } from './client.ts'
import { lastCommit, logState } from './write-ahead-log.ts'

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

const frameBytes = 24 + 4096

/** A database whose rows are only in its log, one transaction each, as a running program leaves it. */
function makeDatabase(transactions: number): { readonly path: string; readonly log: Buffer } {
  const path = folder.file('live.db')
  const client = new Client(path, { create: true, readwrite: true })
  client.run('PRAGMA journal_mode = WAL')
  client.run('PRAGMA wal_autocheckpoint = 0')
  client.run('CREATE TABLE t (a, filler)')
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  for (let n = 0; n < transactions; n++) client.run(`INSERT INTO t VALUES (${n}, randomblob(3000))`)
  const copy = folder.write('copy.db', readFileSync(path))
  const log = readFileSync(`${path}-wal`)
  client.close()
  return { path: copy, log }
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0x10
  return copy
}

const rowsSeen = (path: string): Promise<{ rows: number; notes: readonly string[] } | string> =>
  withSource({ file: path, sqlite: sqliteReader }, source => {
    if (source.kind !== 'sqlite') throw new Error('no database')
    const client = new Client(source.path, { readwrite: true })
    const { n } = client.query('SELECT count(*) AS n FROM t').get() as { n: number }
    client.close()
    return { rows: n, notes: source.notes }
  }).catch((error: unknown) => (error instanceof LatchkeyError ? error.code : String(error)))

test.each<[string, (log: Buffer) => Buffer, string, { rows: number; isTold: boolean } | 'corrupt']>([
  ['is whole', log => log, 'whole', { rows: 8, isTold: false }],
  ['is empty', () => Buffer.alloc(0), 'whole', { rows: 0, isTold: false }],
  ['is cut within its header', log => log.subarray(0, 20), 'whole', { rows: 0, isTold: false }],
  ['is cut within its last frame', log => log.subarray(0, -100), 'unfinished', { rows: 7, isTold: true }],
  [
    'is cut between the frames of a transaction',
    log => log.subarray(0, 32 + frameBytes * 3),
    'unfinished',
    { rows: 1, isTold: true },
  ],
  ['has rot in its header', log => flipped(log, 17), 'damaged', 'corrupt'],
  ['is all zeros', log => Buffer.alloc(log.length), 'damaged', 'corrupt'],
  ['has rot in the data of a frame', log => flipped(log, 32 + 24 + 500), 'damaged', 'corrupt'],
  ['has rot in the number of a page', log => flipped(log, 32 + frameBytes + 3), 'damaged', 'corrupt'],
  ['has rot in a salt', log => flipped(log, 32 + frameBytes * 2 + 9), 'damaged', 'corrupt'],
  ['has rot in a checksum', log => flipped(log, 32 + 17), 'damaged', 'corrupt'],
  [
    'has rot in its last frame, as a crash may leave it',
    log => flipped(log, log.length - 10),
    'unfinished',
    { rows: 7, isTold: true },
  ],
])('a log that %s', async (_, change, state, seen) => {
  const { path, log } = makeDatabase(8)
  writeFileSync(`${path}-wal`, change(log))
  expect<string>(logState(`${path}-wal`).end).toBe(state)
  const found = await rowsSeen(path)
  if (seen === 'corrupt' || typeof found === 'string') {
    expect<unknown>(found).toBe(seen)
    return
  }
  expect(found.rows).toBe(seen.rows)
  expect(found.notes.length).toBe(seen.isTold ? 1 : 0)
})

test('frames of an earlier round that lie behind the newest are no damage', async () => {
  const path = folder.file('rounds.db')
  const client = new Client(path, { create: true, readwrite: true })
  client.run('PRAGMA journal_mode = WAL')
  client.run('PRAGMA wal_autocheckpoint = 0')
  client.run('CREATE TABLE t (a, filler)')
  for (let n = 0; n < 20; n++) client.run(`INSERT INTO t VALUES (${n}, randomblob(3000))`)
  const { size } = statSync(`${path}-wal`)
  // Everything goes into the database. The next write restarts the log without truncating it.
  client.run('PRAGMA wal_checkpoint(RESTART)')
  client.run('INSERT INTO t VALUES (20, NULL)')
  expect(statSync(`${path}-wal`).size).toBe(size)
  expect(logState(`${path}-wal`)).toMatchObject({ end: 'whole', lost: 0 })
  expect(lastCommit(`${path}-wal`)).toBe(1)
  expect(await rowsSeen(path)).toEqual({ rows: 21, notes: [] })
  client.close()
})

test('every single flipped bit in front of a transaction that is there is seen', () => {
  const { path, log } = makeDatabase(3)
  // Without a complete transaction behind it, damage looks like an unfinished write.
  const last = log.length - frameBytes * 2
  for (let at = 0; at < last; at += 97) {
    writeFileSync(`${path}-wal`, flipped(log, at))
    // The checkpoint number in the header does not matter, but is part of its checksum.
    expect(logState(`${path}-wal`).end, `byte ${at}`).toBe('damaged')
  }
})

test('a log that is missing while its index is there is told', async () => {
  const { path, log } = makeDatabase(2)
  writeFileSync(`${path}-wal`, log)
  writeFileSync(`${path}-shm`, '')
  expect(await rowsSeen(path)).toMatchObject({ rows: 2 })
  rmSync(`${path}-wal`)
  expect<unknown>(await rowsSeen(path)).toBe('corrupt')
  rmSync(`${path}-shm`)
  expect(await rowsSeen(path)).toMatchObject({ rows: 0 })
})

test.each([
  ['data of its first frame', 32 + 24 + 500, 8],
  ['data of a frame in the middle', 32 + frameBytes * 5 + 24 + 9, null],
  ['header of the log', 17, null],
])(
  'what is behind rot in the %s is counted, and where the log ends is known without its pages',
  (_, at, lost) => {
    const { path, log } = makeDatabase(8)
    writeFileSync(`${path}-wal`, log)
    const whole = lastCommit(`${path}-wal`)
    expect(whole).toBe((log.length - 32) / frameBytes)
    writeFileSync(`${path}-wal`, flipped(log, at))
    const state = logState(`${path}-wal`)
    if (at < 32) {
      expect(state).toEqual({ end: 'damaged', lost: null, brokenAt: 0 })
      expect(lastCommit(`${path}-wal`)).toBe(Number.POSITIVE_INFINITY)
      return
    }
    expect(lastCommit(`${path}-wal`)).toBe(whole)
    if (lost !== null) expect(state.lost).toBe(lost)
    expect(state.lost).toBe(8 - readable(path))
  },
)

/** The number of transactions that SQLite still sees. */
function readable(path: string): number {
  const client = new Client(path, { readonly: true })
  const { n } = client.query('SELECT count(*) AS n FROM t').get() as { n: number }
  client.close()
  return n
}

test('what a transaction left that was taken back is no damage, nor one that was killed', () => {
  const path = folder.file('taken-back.db')
  const client = new Client(path, { create: true, readwrite: true })
  client.run('PRAGMA journal_mode = WAL')
  client.run('PRAGMA wal_autocheckpoint = 0')
  client.run('PRAGMA cache_size = 5')
  client.run('CREATE TABLE t (a, filler)')
  client.run('BEGIN')
  for (let n = 0; n < 50; n++) client.run(`INSERT INTO t VALUES (${n}, randomblob(3000))`)
  client.run('ROLLBACK')
  client.run('INSERT INTO t VALUES (50, NULL)')
  // Its pages did not fit into memory, so they are behind the newest frames, from the same round.
  const frames = (statSync(`${path}-wal`).size - 32) / frameBytes
  const last = lastCommit(`${path}-wal`)
  expect(last).toBeLessThan(frames - 10)
  expect(logState(`${path}-wal`)).toMatchObject({ end: 'unfinished', lost: 0 })
  client.close()
})
