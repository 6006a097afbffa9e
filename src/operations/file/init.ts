/**
 * Creates a new database and never touches an existing one. It is built under a private name and then renamed, so that
 * neither a crash nor a second run at the same time can leave half a database.
 */
import { accessSync, constants, lstatSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import type { Initialized, UserRef } from '../../contract/views.ts'
import { latestVersion } from '../../db/schema/version.ts'
import type { Client } from '../../db/sqlite/client.ts'
import { openPrivate, settle } from '../../db/sqlite/copy.ts'
import { translate } from '../../db/sqlite/errors.ts'
import { giveIdentity } from '../../db/sqlite/identity.ts'
import { migrateTo } from '../../db/sqlite/migrate.ts'
import { SqliteStore } from '../../db/sqlite/transaction.ts'
import { ensureFolder, PrivateFile, place, requireSpace, sidecars, sweep } from '../../system/files.ts'
import { programVersion } from '../../system/version.ts'
import type { FileContext } from '../context.ts'
import { createUser } from '../people/users.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { recordInside } from './backup/trail.ts'
import { type NewDatabase, newDatabase } from './input.ts'

/**
 * Creates the database, mode 0600, and its folder, mode 0700 if it is missing.
 *
 * @throws invalid, conflict (the file exists), permission, disk_full, config
 */
export async function initialize(context: FileContext, input: NewDatabase = {}): Promise<Initialized> {
  const { admin: username } = rules.parse(newDatabase, input)
  const path = resolve(context.path)
  const folder = dirname(path)
  requireAbsent(path)
  if (context.dryRun) {
    requireCreatable(folder)
    const id = newId('usr', context.now())
    return { path, schemaVersion: latestVersion, user: username === undefined ? null : { id, username } }
  }
  const removeFolder = ensureFolder(folder)
  try {
    sweep(folder)
    requireSpace(folder, 0)
    using file = new PrivateFile(folder)
    build(context, file.path)
    const first = username === undefined ? null : await firstUser(context, file.path, username)
    try {
      place(file.path, path)
    } catch (error) {
      throw error instanceof LatchkeyError && error.code === 'conflict' ? exists(path) : error
    }
    return { path, schemaVersion: latestVersion, user: first }
  } catch (error) {
    removeFolder()
    throw error
  }
}

/** Creates the user before the file is visible, so that there is a database with its user or none. */
async function firstUser(context: FileContext, file: string, username: string): Promise<UserRef> {
  const { now, actor } = context
  const store = new SqliteStore({ path: file, access: 'write', dryRun: false, busyTimeoutMs: 0 })
  try {
    const { id } = await createUser({ store, now, actor }, { username, role: 'admin' })
    return { id, username }
  } finally {
    await store.close()
    within(context, file, () => {})
  }
}

function build(context: FileContext, file: string): void {
  within(context, file, client =>
    migrateTo(client, context.path, latestVersion, {
      now: context.now().getTime(),
      programVersion,
      inside: () => {
        recordInside(context, client, { action: 'database.init', after: { schemaVersion: latestVersion } })
        giveIdentity(client)
      },
    }),
  )
}

/** Leaves everything in one file, without a log. */
function within(context: FileContext, file: string, work: (client: Client) => void): void {
  using client = openPrivate(file)
  try {
    work(client)
    settle(client)
  } catch (error) {
    throw translate(error, context.path)
  }
}

/** @throws conflict (the file exists, or what belongs to one), config (its folder is a file) */
export function requireAbsent(path: string): void {
  if (isThere(path)) throw exists(path)
  const remains = sidecars.map(suffix => path + suffix).filter(isThere)
  if (remains.length === 0) return
  throw new LatchkeyError(
    'conflict',
    `${remains.join(' and ')} belong to a database that no longer exists, and would corrupt a new one`,
    'restore that database with: latchkey restore --latest, or move these files away',
  )
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') {
      throw new LatchkeyError('config', `${dirname(path)} is not a folder`, 'give another path with --db')
    }
    throw translate(error, path)
  }
}

/** For a dry run: this user must be able to create things in the nearest existing folder. */
function requireCreatable(folder: string): void {
  let nearest = folder
  while (!isThere(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest)
  try {
    if (!lstatSync(nearest).isDirectory() && !lstatSync(nearest).isSymbolicLink()) {
      throw new LatchkeyError('config', `${nearest} is not a folder`, 'give another path with --db')
    }
    accessSync(nearest, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw translate(error, nearest)
  }
}

function exists(path: string): LatchkeyError {
  return new LatchkeyError(
    'conflict',
    `${path} already exists, and init never touches an existing file`,
    'check it with: latchkey health, or give another file with --db',
  )
}
