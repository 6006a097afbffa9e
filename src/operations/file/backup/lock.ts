/**
 * One run at a time among backup, restore and migrate: an exclusive transaction on a small database beside the
 * backups. The system lets go of it when the process ends, however it ends, so no lock is ever left behind.
 */
import { existsSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { Client } from '../../../db/sqlite/client.ts'
import { copyFailure } from '../../../db/sqlite/errors.ts'
import { holdersOf } from '../../../db/sqlite/holders.ts'
import { ensureFolder, fileFailure, list, sizeOf, statOf } from '../../../system/files.ts'
import { createFile, ownerOf } from '../../../system/ownership.ts'
import { isAddress } from '../../../text/address.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { FileContext } from '../../context.ts'
import { requirePlace } from './places/locate.ts'

export interface LockOptions {
  /** How long to wait for another run to end. Default 0: say at once that it is busy. */
  readonly waitMs?: number
}

/**
 * Runs `work` while no other run uses the same place of backups. A dry run creates neither folder nor lock: where
 * there is no lock file, no run has ever been.
 *
 * @param where a folder; for a bucket the lock is beside the database, since no two machines share a database
 * @throws busy, permission, config
 */
export async function withLock<T>(
  context: FileContext,
  where: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  requirePlace(where)
  const folder = isAddress(where) ? dirname(resolve(context.path)) : resolve(where)
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
 * The lock file is touched by name only: opening and closing it would drop a lock that this process holds.
 *
 * @returns takes the lock file away again with the folder, if that was created here and nothing else is in it: in a
 *   folder that was there, others may be waiting for the lock
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
  // It is empty for ever; what holds something may be the database of somebody else.
  if (sizeOf(path) > 0) throw damaged(path)
  let client: Client | undefined
  try {
    client = new Client(path, { readwrite: true })
    client.run('PRAGMA busy_timeout = 0')
    client.run('BEGIN EXCLUSIVE')
    return client
  } catch (error) {
    client?.close()
    if (codeOf(error).startsWith('SQLITE_BUSY')) return undefined
    throw unusable(error, path)
  }
}

/** Nobody can hold a lock in it; but whether nobody believes to is for a person to see. */
function unusable(error: unknown, path: string): unknown {
  const found = statOf(path)
  const code = codeOf(error)
  if (found && !found.isFile()) return damaged(path)
  if (found && /^SQLITE_(CANTOPEN|PERM|READONLY)/.test(code)) {
    return new LatchkeyError(
      'permission',
      `the lock ${path} belongs to ${ownerOf(path)}, and this user cannot write to it`,
      `let it belong to who takes the backups: sudo chown "$(id -un)" ${shellWord(path)}`,
      { cause: error },
    )
  }
  return copyFailure(error, path)
}

function damaged(path: string): LatchkeyError {
  const what = statOf(path)?.isFile() ? 'damaged: it holds something, and a lock is empty' : 'no file'
  return new LatchkeyError(
    'config',
    `the lock ${path} is ${what}`,
    `when no backup, restore or migration is running, remove it: rm -r ${shellWord(path)}`,
  )
}

function taken(path: string): LatchkeyError {
  const [holder] = holdersOf(path)
  const who = holder ? `: process ${holder.pid} (${holder.command})` : ''
  return new LatchkeyError(
    'busy',
    `another backup, restore or migration is running${who}`,
    'wait until it is done, then run the command again',
  )
}
