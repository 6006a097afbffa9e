/**
 * Reads a foreign file once and recognises its type by its content. A SQLite database is copied to a private folder
 * together with its log, because opening it would change it. The original is never opened as a database.
 */
import { randomUUID } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { systemFailure } from '../system/errors.ts'
import { shellWord } from '../text/shell-word.ts'
import { type ByteCounter, readFailure } from './rows.ts'
import { packingOf } from './unpack.ts'

export interface SourceFile {
  /** The path; only a name for messages if `bytes` are given. */
  readonly file: string
  /** The content, if it does not come from a file. */
  readonly bytes?: Uint8Array | undefined
  /** Called with the bytes read so far; starts again at 0 if the file must be read again. */
  readonly count?: ByteCounter | undefined
}

/** The SQLite database of another system. */
export interface ForeignDatabase {
  /** For messages. */
  readonly file: string
  /** Ordinary tables with their stored columns, names in lower case, as SQLite compares them. */
  readonly tables: ReadonlyMap<string, readonly string[]>
  /** Every row of a table, with columns in lower case. */
  readonly rowsOf: (table: string) => readonly Readonly<Record<string, unknown>>[]
  readonly countRows: (table: string) => number
}

/** Reads SQLite files for the formats. */
export interface SqliteReader {
  /** Whether the log of a copy is whole, ends in a transaction, or cannot be read. */
  readonly logEnd: (log: string) => 'whole' | 'unfinished' | 'damaged'
  /**
   * Runs `use` on an undamaged database with tables.
   *
   * @param file its name for messages
   * @param path a private copy
   * @throws corrupt, invalid (no tables, or a Latchkey database)
   */
  readonly withTables: <T>(file: string, path: string, use: (database: ForeignDatabase) => T) => T
}

/** Reads databases on servers for the formats. */
export interface ServerReader {
  /**
   * The tables that `choose` names, from one snapshot; of others only how many rows they have.
   *
   * @param choose gets all tables with their columns
   * @throws usage, config, busy, permission, database_missing
   */
  readonly tablesAt: (
    url: string,
    choose: (tables: ForeignDatabase['tables']) => readonly string[],
  ) => Promise<ForeignDatabase>
}

/** A file, and a reader in case it is a SQLite database. */
export interface ForeignFile extends SourceFile {
  readonly sqlite: SqliteReader
}

/** A file or the URL of a server. */
export interface ForeignSource extends ForeignFile {
  readonly server: ServerReader
}

export type Source =
  | { readonly kind: 'text'; readonly text: string }
  /** `path` is a private copy that may be opened. It is removed afterwards. */
  | {
      readonly kind: 'sqlite'
      readonly path: string
      /** Notes on it, one sentence each. */
      readonly notes: readonly string[]
    }

/** Text is read as a whole, so larger files are refused. */
export const largestTextBytes = 256 * 1024 * 1024

const sqliteHeader = Buffer.from('SQLite format 3\0', 'latin1')
/** The files that belong to a database. The -shm is rebuilt from the -wal. */
const sidecars = ['-wal', '-journal'] as const
const attempts = 10
/** The coarsest file clock of any kernel. */
const clockTickMs = 20

/**
 * Runs `use` on the content of a file. The private copy of a database is always removed afterwards.
 *
 * @throws not_found, invalid (not a file, empty, too large, or neither SQLite nor UTF-8), busy (it changed during every
 *   attempt), permission, disk_full
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

/** Reads the file again if it was written to meanwhile, so that two states are never mixed. */
async function readFile(input: ForeignFile, makeFolder: () => Promise<string>): Promise<Source> {
  const { file } = input
  // SQLite looks for the log beside the file itself, not beside a link.
  const path = await realpath(file)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const before = await stateOf(path)
    const age = Date.now() - before.changedAt
    // Two changes within one tick of the file clock have the same time, so a very new file may change unnoticed.
    if (age < 0 || age > clockTickMs) {
      // An error counts only if the file has not changed meanwhile.
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
    'stop the program that writes to it for a moment, and run the command again',
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
 * Notes about a missing or truncated log.
 *
 * @throws corrupt (committed transactions cannot be read)
 */
function logNotes(sqlite: SqliteReader, file: string, path: string, copy: string): readonly string[] {
  if (!existsSync(`${copy}-wal`)) {
    // SQLite creates both together and removes the -shm last.
    if (!existsSync(`${path}-shm`)) return []
    throw new LatchkeyError(
      'corrupt',
      `${file} has a -shm beside it but no -wal: the newest transactions are missing; nothing was imported`,
      'copy the -wal along with the database, or make a complete copy with: sqlite3 FILE ".backup copy.db"',
    )
  }
  const end = sqlite.logEnd(`${copy}-wal`)
  if (end === 'damaged') {
    throw new LatchkeyError(
      'corrupt',
      `${file}-wal is damaged: transactions in it cannot be read; nothing was imported`,
      'copy it again from the original, or make a complete copy with: sqlite3 FILE ".backup copy.db"',
    )
  }
  const cut = 'its -wal ends in the middle of a transaction, which is left out; everything before it was read'
  return end === 'whole' ? [] : [cut]
}

/** Checks the type before and after opening, because opening a FIFO blocks and opening a device may have effects. */
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
    ? invalid(`${file} is a folder`, 'give the file in it')
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
      // The full disk is that of the copy, not of the source.
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
    // The decoder drops a byte order mark.
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    const packing = packingOf(bytes)
    if (packing !== undefined) {
      throw invalid(
        `${file} is compressed with ${packing}`,
        `decompress it first: ${packing} -dk ${shellWord(file)}`,
      )
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
