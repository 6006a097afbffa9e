/**
 * Lets only one backup, restore or migration run at a time: it holds an exclusive transaction on a small database beside
 * the backups. The system releases it when the process ends, so no stale lock is left behind.
 */
import { existsSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { lockFile } from '../../../db/sqlite/alone.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { copyFailure } from '../../../db/sqlite/errors.ts'
import { holdersOf, holdersText } from '../../../db/sqlite/holders.ts'
import { ensureFolder, fileFailure, list, sizeOf, statOf } from '../../../system/files.ts'
import { createFile, ownerOf } from '../../../system/ownership.ts'
import { besideIt } from '../../../system/scheduled.ts'
import { isAddress } from '../../../text/address.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { FileContext } from '../../context.ts'
import { requirePlace } from './places/locate.ts'

export interface LockOptions {
  /** Milliseconds to wait for another run to end. Default 0: fail at once. */
  readonly waitMs?: number
}

/**
 * Runs `work` while no other run uses the same place. A dry run creates neither folder nor lock: without a lock file
 * there has never been a run.
 *
 * @param where a folder. For a bucket the lock is beside the database, because machines do not share a database
 * @throws busy, permission, config
 */
export async function withLock<T>(
  context: FileContext,
  where: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  requirePlace(where)
  const folder = isAddress(where) ? dirname(resolve(besideIt(context))) : resolve(where)
  const path = join(folder, '.latchkey-lock')
  if (context.dryRun && !existsSync(path)) return work()
  const undo = context.dryRun ? () => {} : prepare(folder, path)
  const client = await acquire(path, options.waitMs ?? 0)
  let done = false
  try {
    const result = await work()
    done = true
    return result
  } finally {
    client.close()
    if (!done) undo()
  }
}

/**
 * Never opens the lock file: closing it again would drop a lock that this process holds.
 *
 * @returns removes the lock file and the folder, if the folder was created here and is otherwise empty. In an existing
 *   folder others may be waiting for the lock
 */
function prepare(folder: string, path: string): () => void {
  const isNew = !existsSync(folder)
  const removeFolder = ensureFolder(folder)
  if (existsSync(path)) return () => {}
  try {
    createFile(path, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw fileFailure(error, folder)
  }
  return () => {
    if (!isNew || list(folder).length > 1) return
    rmSync(path, { force: true })
    removeFolder()
  }
}

async function acquire(path: string, waitMs: number): Promise<Client> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const client = tryLock(path)
    if (client) return client
    if (performance.now() >= deadline) throw taken(path)
    await sleep(10 + Math.random() * 40)
  }
}

function tryLock(path: string): Client | undefined {
  // A lock file is always empty. If not, it may be somebody's database.
  if (sizeOf(path) > 0) throw damaged(path)
  try {
    return lockFile(path)
  } catch (error) {
    throw unusable(error, path)
  }
}

/** Nobody can hold this lock, but a person must decide whether to remove it. */
function unusable(error: unknown, path: string): unknown {
  const found = statOf(path)
  const code = codeOf(error)
  if (found && !found.isFile()) return damaged(path)
  if (found && /^SQLITE_(CANTOPEN|PERM|READONLY)/.test(code)) {
    return new LatchkeyError(
      'permission',
      `the lock ${path} belongs to ${ownerOf(path)}, and this user cannot write to it`,
      `give it to the user who takes the backups: sudo chown "$(id -un)" ${shellWord(path)}`,
      { cause: error },
    )
  }
  return copyFailure(error, path)
}

function damaged(path: string): LatchkeyError {
  const what = statOf(path)?.isFile() ? 'damaged: it is not empty' : 'not a file'
  return new LatchkeyError(
    'config',
    `the lock ${path} is ${what}`,
    `if no backup, restore or migration is running, remove it: rm -r ${shellWord(path)}`,
  )
}

function taken(path: string): LatchkeyError {
  const who = holdersText(holdersOf(path).slice(0, 1))
  return new LatchkeyError(
    'busy',
    `another backup, restore or migration is running${who && `: ${who}`}`,
    'wait until it is done, then run the command again',
  )
}
