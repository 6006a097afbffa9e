/**
 * Reads a foreign file once and tells by its content what it is. A SQLite database is copied to a private folder
 * together with its log, because opening one changes it: the original must never be opened as a database.
 */
import { randomUUID } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { systemFailure } from '../system/errors.ts'
import { type ByteCounter, readFailure } from './rows.ts'
import { packingOf } from './unpack.ts'

export interface SourceFile {
  /** Where it lies; only a name for messages when `bytes` are given. */
  readonly file: string
  /** Its content, when it did not come from a file. */
  readonly bytes?: Uint8Array | undefined
  /** Told how much of the file has been read; begins again when it must be read again. */
  readonly count?: ByteCounter | undefined
}

/** The SQLite database of another system. */
export interface ForeignDatabase {
  /** For messages. */
  readonly file: string
  /** Ordinary tables in lower case, as SQLite compares names, with the columns that they store. */
  readonly tables: ReadonlyMap<string, readonly string[]>
  /** Every row of a table, its columns in lower case. */
  readonly rowsOf: (table: string) => readonly Readonly<Record<string, unknown>>[]
  readonly countRows: (table: string) => number
}

/** Who can read SQLite files; formats are given one. */
export interface SqliteReader {
  /** Whether the log of a copy is whole, ends within a transaction, or cannot be read. */
  readonly logEnd: (log: string) => 'whole' | 'unfinished' | 'damaged'
  /**
   * Runs `use` on a database that is sound and has tables.
   *
   * @param file its name for messages
   * @param path a private copy
   * @throws corrupt; invalid when it has no tables, or is one of Latchkey's
   */
  readonly withTables: <T>(file: string, path: string, use: (database: ForeignDatabase) => T) => T
}

/** A file together with who can read it if it is a SQLite database. */
export interface ForeignFile extends SourceFile {
  readonly sqlite: SqliteReader
}

export type Source =
  | { readonly kind: 'text'; readonly text: string }
  /** `path` is a private copy that may be opened and is gone afterwards. */
  | {
      readonly kind: 'sqlite'
      readonly path: string
      /** What is to be known of it, a sentence each. */
      readonly notes: readonly string[]
    }

/** Text is read whole: larger is refused. */
export const largestTextBytes = 256 * 1024 * 1024

const sqliteHeader = Buffer.from('SQLite format 3\0', 'latin1')
/** What belongs to a database besides its file; the -shm is rebuilt from the -wal. */
const sidecars = ['-wal', '-journal'] as const
const attempts = 10
/** No kernel's clock for files is coarser. */
const clockTickMs = 20

/**
 * Runs `use` on the content of a file; the private copy of a database is removed afterwards, whatever happens.
 *
 * @throws not_found; invalid for what is no file, empty, too large or neither SQLite nor UTF-8; busy when it was
 *   changed during every attempt to read it; permission; disk_full
 */
export async function withSource<T>(input: ForeignFile, use: (source: Source) => T | Promise<T>): Promise<T> {
  const { file, bytes } = input
  let folder: string | undefined
  const makeFolder = async (): Promise<string> => {
    folder ??= await mkdtemp(join(tmpdir(), 'latchkey-import-'))
    return folder
  }
  try {
    const source = await (bytes === undefined
      ? readFile(input, makeFolder)
      : sourceOf(file, bytes, makeFolder)
    ).catch((error: unknown) => {
      throw readFailure(error, file)
    })
    return await use(source)
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function sourceOf(file: string, bytes: Uint8Array, makeFolder: () => Promise<string>): Promise<Source> {
  if (!startsLikeSqlite(bytes)) return textOf(file, bytes)
  const path = join(await makeFolder(), 'copy.db')
  await writeFile(path, bytes, { mode: 0o600, flag: 'wx' })
  return { kind: 'sqlite', path, notes: [] }
}

/** Reads it again when somebody wrote to it meanwhile: half of one state and half of the next is neither. */
async function readFile(input: ForeignFile, makeFolder: () => Promise<string>): Promise<Source> {
  const { file } = input
  // SQLite looks for the log beside the file itself, not beside a link to it.
  const path = await realpath(file)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const before = await stateOf(path)
    const age = Date.now() - before.changedAt
    // Two changes within a tick of the file system's clock have one time: what is so young may change unseen.
    if (age < 0 || age > clockTickMs) {
      // An error counts only if the file was not changed meanwhile.
      const [read] = await Promise.allSettled([readOnce(input, path, makeFolder)])
      if ((await stateOf(path)).text === before.text) {
        if (read.status === 'rejected') throw read.reason
        return read.value
      }
    }
    await Bun.sleep(clockTickMs * 2)
  }
  throw new LatchkeyError(
    'busy',
    `${file} was written to during each of ${attempts} attempts to read it`,
    'stop what is writing to it for a moment, and run the command again',
  )
}

async function readOnce(
  { file, count, sqlite }: ForeignFile,
  path: string,
  makeFolder: () => Promise<string>,
): Promise<Source> {
  await using handle = await openFile(file, path)
  const head = Buffer.alloc(sqliteHeader.length)
  const { bytesRead } = await handle.read(head, 0, head.length, 0)
  if (!startsLikeSqlite(head.subarray(0, bytesRead))) return textOf(file, await readText(file, handle, count))
  const copy = join(await makeFolder(), `${randomUUID()}.db`)
  await copyTo(handle, copy, count)
  for (const suffix of sidecars) {
    if (!existsSync(path + suffix)) continue
    await using sidecar = await openFile(file + suffix, path + suffix)
    await copyTo(sidecar, copy + suffix)
  }
  return { kind: 'sqlite', path: copy, notes: logNotes(sqlite, file, path, copy) }
}

/**
 * What a log that is missing or cut says of its database.
 *
 * @throws corrupt when committed transactions cannot be read
 */
function logNotes(sqlite: SqliteReader, file: string, path: string, copy: string): readonly string[] {
  if (!existsSync(`${copy}-wal`)) {
    // SQLite makes the two together, and removes the -shm last.
    if (!existsSync(`${path}-shm`)) return []
    throw new LatchkeyError(
      'corrupt',
      `${file} has a -shm beside it but no -wal: the newest transactions are missing; nothing was imported`,
      'copy the -wal along with the database, or make a whole copy with: sqlite3 FILE ".backup copy.db"',
    )
  }
  const end = sqlite.logEnd(`${copy}-wal`)
  if (end === 'damaged') {
    throw new LatchkeyError(
      'corrupt',
      `${file}-wal is damaged: transactions in it cannot be read; nothing was imported`,
      'copy it again from the original, or make a whole copy with: sqlite3 FILE ".backup copy.db"',
    )
  }
  const cut = 'its -wal ends in the middle of a transaction, which is left out; all before it was read'
  return end === 'whole' ? [] : [cut]
}

/** Asks what it is before and after opening: opening a FIFO waits, opening a device may act. */
async function openFile(file: string, path: string): Promise<FileHandle> {
  requireRegular(file, await stat(path))
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    requireRegular(file, await handle.stat())
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

function requireRegular(file: string, found: { isFile(): boolean; isDirectory(): boolean }): void {
  if (found.isFile()) return
  throw found.isDirectory()
    ? invalid(`${file} is a folder`, 'name the file in it, for example apikeys.json')
    : invalid(
        `${file} is a pipe or a device, not a file`,
        'save its content to a file first, and import that',
      )
}

const chunkBytes = 1024 * 1024

async function* chunksOf(handle: FileHandle, count: ByteCounter = () => {}): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(chunkBytes)
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, at)
    if (bytesRead === 0) return
    at += bytesRead
    count(at)
    yield chunk.subarray(0, bytesRead)
  }
}

async function copyTo(handle: FileHandle, path: string, count?: ByteCounter): Promise<void> {
  await using target = await open(path, 'wx', 0o600)
  for await (const chunk of chunksOf(handle, count)) {
    await target.writeFile(chunk).catch((error: unknown) => {
      // The disk that is full is that of the copy, not of the source.
      throw systemFailure(error, path)
    })
  }
}

async function readText(file: string, handle: FileHandle, count?: ByteCounter): Promise<Uint8Array> {
  const { size } = await handle.stat()
  if (size > largestTextBytes) throw tooLarge(file)
  const content = Buffer.alloc(size)
  let at = 0
  for await (const chunk of chunksOf(handle, count)) {
    at += Buffer.from(chunk).copy(content, at)
    if (at === size) break
  }
  return content.subarray(0, at)
}

function textOf(file: string, bytes: Uint8Array): Source {
  if (bytes.length > largestTextBytes) throw tooLarge(file)
  if (bytes.length === 0) throw invalid(`${file} is empty`, 'check that this is the right file')
  try {
    // A byte order mark is dropped by the decoder.
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    const packing = packingOf(bytes)
    if (packing !== undefined) {
      throw invalid(`${file} is packed with ${packing}`, `unpack it first: ${packing} -dk ${file}`)
    }
    throw invalid(
      `${file} is neither a SQLite database nor text in UTF-8`,
      'check that this is the right file',
    )
  }
}

const startsLikeSqlite = (bytes: Uint8Array): boolean =>
  bytes.length >= sqliteHeader.length && sqliteHeader.equals(bytes.subarray(0, sqliteHeader.length))

/** Identity, size and last change of a file and its sidecars. */
async function stateOf(path: string): Promise<{ readonly text: string; readonly changedAt: number }> {
  const states = ['', ...sidecars].map(async suffix => {
    try {
      const { ino, size, mtimeNs } = await stat(path + suffix, { bigint: true })
      return { text: `${ino} ${size} ${mtimeNs}`, changedAt: Number(mtimeNs / 1_000_000n) }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { text: '', changedAt: 0 }
      throw error
    }
  })
  const all = await Promise.all(states)
  return {
    text: all.map(({ text }) => text).join('/'),
    changedAt: Math.max(...all.map(({ changedAt }) => changedAt)),
  }
}

const tooLarge = (file: string): LatchkeyError =>
  invalid(
    `${file} is larger than ${largestTextBytes / 1024 / 1024} MiB: too large for a list of keys`,
    'check that this is the right file',
  )

export const invalid = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('invalid', message, hint)
