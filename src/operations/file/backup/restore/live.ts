/** The state of the database that a restore will replace, and who has it open. Changes nothing. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../../../contract/errors.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { translate } from '../../../../db/sqlite/errors.ts'
import { type Holder, holdersOf, holdersText, isLockedByOthers } from '../../../../db/sqlite/holders.ts'
import { pageSize, rowCounts } from '../../../../db/sqlite/inspect.ts'
import { openReader, reading, requireOurs, requireWholeLog } from '../../../../db/sqlite/open.ts'
import { sizeOf } from '../../../../system/files.ts'

/** A healthy database of another program is never replaced. */
export type Live =
  | { readonly state: 'readable'; readonly rows: Readonly<Record<string, number>>; readonly pageSize: number }
  | { readonly state: 'missing' | 'damaged'; readonly rows: null; readonly pageSize: null }

/** @throws database_foreign, permission, busy */
export function readLive(path: string): Live {
  try {
    using client = openReader(path)
    // A database whose log is damaged counts as damaged, so the log is kept too.
    requireWholeLog(path)
    requireOurs(client, path)
    return { state: 'readable', rows: rowCounts(client), pageSize: pageSize(client) }
  } catch (error) {
    const known = translate(error, path)
    if (!(known instanceof LatchkeyError)) throw known
    if (known.code === 'database_missing') return { state: 'missing', rows: null, pageSize: null }
    if (known.code === 'corrupt') return { state: 'damaged', rows: null, pageSize: null }
    throw known
  }
}

/** Reads from a database; undefined if it is missing, damaged, or too old to have the answer. */
export function ifReadable<T>(path: string, ask: (client: Client) => T): T | undefined {
  try {
    return reading(path, ask)
  } catch (error) {
    const isKnown = error instanceof LatchkeyError
    if (isKnown && ['database_missing', 'corrupt'].includes(error.code)) return undefined
    if (!isKnown && /no such (table|column)/.test(String(error))) return undefined
    throw error
  }
}

/**
 * Waits until no other process has the database open. With `inPlace`, others may keep it open.
 *
 * @returns who has it open
 * @throws busy, naming the processes
 */
export async function requireNoUsers(
  path: string,
  { inPlace, waitMs }: { readonly inPlace: boolean; readonly waitMs: number },
): Promise<readonly Holder[]> {
  // A missing file cannot be restored in place.
  if (inPlace && existsSync(path)) return holdersOf(path)
  return untilFree(path, waitMs, async () =>
    holdersOf(path).length === 0 && !isLocked(path) ? [] : undefined,
  )
}

/**
 * Calls `attempt` until the database is free. While it is in use, `attempt` returns undefined.
 *
 * @throws busy, naming the processes, and what `attempt` throws
 */
export async function untilFree<T>(
  path: string,
  waitMs: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const done = await attempt()
    if (done !== undefined) return done
    if (performance.now() >= deadline) throw inUse(path, holdersOf(path))
    await sleep(50)
  }
}

function inUse(path: string, users: readonly Holder[]): LatchkeyError {
  const who = holdersText(users) || 'another connection'
  if (!existsSync(path)) {
    return new LatchkeyError(
      'busy',
      `${path} was deleted, but ${who} still has it open, and its writes will be lost; nothing was changed`,
      'stop it, then restore again',
    )
  }
  return new LatchkeyError(
    'busy',
    `${path} is in use by ${who}; nothing was changed`,
    'stop it, then restore again; or wait for it with --wait 30s, or restore while it is in use with --in-place',
  )
}

/** A damaged file cannot be locked like this. An empty one is not opened, because SQLite would remove its log. */
function isLocked(path: string): boolean {
  if (sizeOf(path) === 0) return false
  try {
    return isLockedByOthers(path)
  } catch (error) {
    const known = translate(error, path)
    if (known instanceof LatchkeyError && known.code === 'corrupt') return false
    throw known
  }
}
