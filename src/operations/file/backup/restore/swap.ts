/**
 * Replaces the contents of the database with those of the private copy, within the same file if there is one. If the
 * file were replaced by another, a process with the old one open would write its log under the name of the new one.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { codeOf, failureOf } from '../../../../contract/failure.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { type CommitWatch, copyBytes, copyInto } from '../../../../db/sqlite/copy.ts'
import { holdersOf } from '../../../../db/sqlite/holders.ts'
import { quickCheck, rowCounts, rowDifferences, schemaHash } from '../../../../db/sqlite/inspect.ts'
import { openWriter, reading } from '../../../../db/sqlite/open.ts'
import { SoleUse } from '../../../../db/sqlite/sole-use.ts'
import { PrivateFile, place, requireSpace, sidecars, sizeOf } from '../../../../system/files.ts'
import type { FileContext } from '../../../context.ts'
import type { Depth } from '../contents.ts'
import { keepLateCopy } from './late.ts'

const swapDeadlineMs = 30_000

/** What the restored database must be. */
export interface Expected {
  readonly schemaHash: string
  readonly rows: Rows
}

type Rows = Readonly<Record<string, number>>

/**
 * The normal way: one transaction in the live database. Others who have it open see the result at once.
 *
 * @param watch created before the safety copy was taken
 * @param late what to do if others have committed since: keep that beside the database, or refuse
 * @returns rows per table
 * @throws busy, disk_full, corrupt
 */
export async function swapContents(
  context: FileContext,
  copy: string,
  expected: Expected,
  watch: CommitWatch,
  late: 'keep' | 'refuse',
): Promise<Rows> {
  const { path } = context
  // The new pages go through the WAL, so it needs as much space again.
  requireSpace(dirname(path), sizeOf(copy))
  await copyInto(copy, path, swapDeadlineMs, () => {
    if (!watch.changed) return
    if (late === 'refuse') throw overtaken(path)
    keepLateCopy(context)
  })
  watch.beginAgain()
  const rows = reading(path, client =>
    recheck(client, path, expected, 'quick', () => !watch.changed && holdersOf(path).length === 0),
  )
  checkpoint(path)
  return rows
}

/** The other process may have committed another revocation. */
const overtaken = (path: string): LatchkeyError =>
  new LatchkeyError(
    'busy',
    `another process wrote to ${path} while its revocations were being copied; nothing was changed`,
    'run the command again',
  )

/**
 * For a damaged database: copies the old files aside, logs included, then replaces the contents of the file while nobody
 * else can use it. SQLite does that in one transaction if it can open the old file; otherwise the file is emptied first.
 * On a failure the old files are put back.
 *
 * @returns undefined if the database is in use; then nothing was changed
 * @throws disk_full, permission, database_readonly, conflict, corrupt (it cannot even be copied)
 */
export async function replaceDamaged(
  context: FileContext,
  copy: string,
  expected: Expected,
): Promise<Replaced | undefined> {
  const { path } = context
  const suffixes = ['', ...logs].filter(suffix => existsSync(path + suffix))
  const old = suffixes.reduce((sum, suffix) => sum + sizeOf(path + suffix), 0)
  requireSpace(dirname(path), old + Math.max(sizeOf(path), sizeOf(copy)))
  const aside = new Aside(context)
  try {
    // Opening an empty database removes its log.
    if (sizeOf(path) === 0) for (const suffix of suffixes) aside.keep(suffix)
    const use = SoleUse.take(path)
    if (use === undefined) {
      aside.forget()
      return undefined
    }
    try {
      for (const suffix of suffixes) aside.keep(suffix)
      if (!(await canReplace(use, copy))) {
        use.empty()
        await use.replaceBy(copy).catch(error => aside.putBack(error))
      }
      const rows = use.look(client => recheck(client, path, expected, 'quick', () => true))
      return { rows, movedAside: aside.files }
    } finally {
      use.close()
    }
  } catch (error) {
    aside.forget()
    throw error
  }
}

/** Rows per table, and the new names of the old files. */
interface Replaced {
  readonly rows: Rows
  readonly movedAside: readonly string[]
}

const logs = ['-wal', '-journal'] as const

/** @returns false if SQLite cannot open the old file */
async function canReplace(use: SoleUse, copy: string): Promise<boolean> {
  try {
    await use.replaceBy(copy)
    return true
  } catch (error) {
    if (error instanceof LatchkeyError && error.code === 'corrupt') return false
    throw error
  }
}

/** Copies of the old files, beside them. */
class Aside {
  readonly #path: string
  readonly #copies: string
  #kept: readonly string[] = []

  constructor(context: FileContext) {
    this.#path = context.path
    this.#copies = asideName(context)
  }

  get files(): readonly string[] {
    return this.#kept.map(suffix => this.#copies + suffix)
  }

  /** Copies the file with this suffix durably, unless it is already copied or does not exist. */
  keep(suffix: string): void {
    const file = this.#path + suffix
    if (this.#kept.includes(suffix) || !existsSync(file)) return
    using copy = new PrivateFile(dirname(file), file)
    copyBytes(file, copy.path)
    place(copy.path, this.#copies + suffix)
    this.#kept = [...this.#kept, suffix]
  }

  forget(): void {
    for (const file of this.files) rmSync(file)
    this.#kept = []
  }

  /** Throws the reason. If putting back fails too, throws that and keeps the copies. */
  putBack(reason: unknown): never {
    const copies = this.files
    try {
      for (const suffix of this.#kept.toReversed()) {
        copyBytes(this.#copies + suffix, this.#path + suffix)
      }
    } catch (error) {
      this.#kept = []
      throw new LatchkeyError(
        'corrupt',
        `${this.#path} is empty now: it was neither restored (${failureOf(reason).message}), nor put back (${failureOf(error).message})`,
        `the old files are kept in ${copies.join(', ')}; fix the cause, then restore again`,
        { cause: reason },
      )
    }
    throw reason
  }
}

/**
 * For a missing database: gives the copy its name, unless somebody has created the file meanwhile. A leftover log is moved
 * aside first, because SQLite would apply it to the restored file; a failure puts it back.
 *
 * @throws conflict, permission, disk_full
 */
export function placeMissing(context: FileContext, copy: string, expected: Expected): Replaced {
  const { path } = context
  const aside = asideName(context)
  const moved = sidecars.filter(suffix => existsSync(path + suffix))
  const undo: (() => void)[] = []
  try {
    for (const suffix of moved) {
      renameFree(path + suffix, aside + suffix)
      undo.push(() => renameFree(aside + suffix, path + suffix))
    }
    place(copy, path)
  } catch (error) {
    for (const step of undo.toReversed()) step()
    throw error
  }
  // The verified file is visible under its new name, so others may have written to it already.
  const rows = reading(path, client => recheck(client, path, expected, 'contents', () => false))
  return { rows, movedAside: moved.map(suffix => aside + suffix) }
}

const asideName = ({ path, now }: FileContext): string =>
  `${path}.replaced-${now().toISOString().replace(/[-:.]/g, '')}`

function renameFree(from: string, to: string): void {
  if (existsSync(to)) {
    throw new LatchkeyError('conflict', `${to} already exists`, 'move it away, then restore again')
  }
  renameSync(from, to)
}

/** Best effort: while others read, the pages stay in the WAL, which is fine. */
function checkpoint(path: string): void {
  using client = openWriter(path)
  try {
    client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!codeOf(error).startsWith('SQLITE_BUSY')) throw error
  }
}

/**
 * Checks the restored database in one snapshot.
 *
 * @param isAlone whether nobody else can have written to it yet; called after the check
 * @returns rows per table
 * @throws corrupt
 */
export function recheck(
  client: Client,
  path: string,
  expected: Expected,
  depth: Depth,
  isAlone: () => boolean,
): Rows {
  // A swap can break pages but not values, and checking values takes several times as long.
  client.run('PRAGMA ignore_check_constraints = ON')
  client.run('BEGIN')
  const rows = rowCounts(client)
  const [damage] = [
    ...(depth === 'contents' ? [] : quickCheck(client)),
    ...(schemaHash(client) === expected.schemaHash ? [] : ['its schema does not match the backup']),
    ...(isAlone() ? rowDifferences(expected.rows, rows) : []),
  ]
  client.run('ROLLBACK')
  if (damage === undefined) return rows
  throw new LatchkeyError(
    'corrupt',
    `${path} is damaged after the restore: ${damage}`,
    'check the disk (dmesg), then restore again',
  )
}
