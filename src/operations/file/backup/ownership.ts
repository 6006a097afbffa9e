/**
 * Which database a backup belongs to. Production and staging may share a folder, and a copy of production has the same
 * identity, so backups are of the same database only if both identity and path are the same. Only those are listed,
 * chosen as the latest and pruned. Others must be named.
 */
import { resolve } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import { realPath } from '../../../db/sqlite/holders.ts'
import { identityOf } from '../../../db/sqlite/identity.ts'
import { reading } from '../../../db/sqlite/open.ts'
import type { FileContext } from '../../context.ts'
import type { Origin, StoredBackup, Survey } from './manifest.ts'
import type { Location } from './places/place.ts'

/** The database in question. */
export interface Asked {
  /** null if it is missing, damaged, in use or cannot be reached, or if it has none yet. */
  readonly id: string | null
  /** Links resolved; on a server, its place. */
  readonly path: string
}

/** The backups of one database in a place. */
export interface OwnSurvey extends Survey {
  readonly asked: Asked
  /** Backups of other or unknown databases, newest first. */
  readonly others: readonly StoredBackup[]
}

export async function askedAbout({ path: database, server }: FileContext): Promise<Asked> {
  const path = server?.place ?? realPath(resolve(database))
  try {
    return { id: await (server?.identity() ?? identityAt(path)), path }
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    return { id: null, path }
  }
}

const identityAt = (path: string): string | null => reading(path, client => identityOf(client)?.id ?? null)

/**
 * Selects the backups of a database. If its identity is unknown, its path counts, as long as all backups from that path
 * are of one database. If none is from that path, the place must have backups of only one database.
 */
export function ownOf(found: Survey, asked: Asked): OwnSurvey {
  const isOwn = ownership(found.backups, asked)
  return {
    asked,
    backups: found.backups.filter(({ manifest, location }) => isOwn(manifest.database, location)),
    broken: found.broken.filter(
      ({ database, location, newer }) =>
        database === null ||
        isOwn(database, location) ||
        // What is damaged may have been of this database, unless neither identity nor path says so.
        (!newer && (database.id === asked.id || isAt(database, location, asked.path))),
    ),
    others: found.backups.filter(({ manifest, location }) => !isOwn(manifest.database, location)),
  }
}

/** Each database once, as its newest backup describes it. */
export function databasesIn(backups: readonly StoredBackup[]): readonly Origin[] {
  const found = new Map<string, Origin>()
  for (const { manifest } of backups) {
    const { database } = manifest
    if (database !== null && !found.has(keyOf(database))) found.set(keyOf(database), database)
  }
  return [...found.values()]
}

type Named = Pick<Origin, 'id' | 'path'>

export const isSame = (a: Named, b: Named): boolean => keyOf(a) === keyOf(b)

const keyOf = ({ id, path }: Named): string => JSON.stringify([id, path])

/** Whether a backup is of a database, as far as is known: a database has no identity before its first migration. */
export const belongsTo = (database: Origin | null, location: Location, asked: Asked): boolean =>
  database !== null &&
  (asked.id === null || database.id === null || database.id === asked.id) &&
  isAt(database, location, asked.path)

/** A database that was moved together with its backup folder counts as being at the same path. */
function isAt(database: Origin, { kind, address }: Location, path: string): boolean {
  if (database.path === path) return true
  if (kind !== 'folder' || database.relative === null) return false
  return resolve(realPath(address), database.relative) === path
}

type IsOwn = (database: Origin | null, location: Location) => boolean

function ownership(backups: readonly StoredBackup[], asked: Asked): IsOwn {
  const isHere: IsOwn = (database, location) => belongsTo(database, location, asked)
  if (asked.id !== null) return isHere
  const here = backups.filter(({ manifest, location }) => isHere(manifest.database, location))
  if (here.length > 0) {
    const ids = new Set(here.flatMap(({ manifest }) => manifest.database?.id ?? []))
    return ids.size <= 1 ? isHere : () => false
  }
  const [only, second] = databasesIn(backups)
  if (only === undefined || second !== undefined) return () => false
  return database => database !== null && isSame(database, only)
}
