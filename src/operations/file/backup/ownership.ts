/**
 * Whose backups lie in a place. Production and staging may share a folder, and a copy of production has its identity: so
 * backups are of the same database when they name the same identity at the same path. Only those are listed, trusted,
 * chosen as the latest and pruned; the others are there for whoever names one.
 */
import { resolve } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import { realPath } from '../../../db/sqlite/holders.ts'
import { identityOf } from '../../../db/sqlite/identity.ts'
import { reading, requireOurs } from '../../../db/sqlite/open.ts'
import type { Origin, StoredBackup, Survey } from './manifest.ts'
import type { Location } from './places/place.ts'

/** A database that is asked about. */
export interface Asked {
  /** null when its file is missing, damaged or in use, or has none yet. */
  readonly id: string | null
  /** Links resolved. */
  readonly path: string
}

/** The backups of one database among those of a place. */
export interface OwnSurvey extends Survey {
  readonly asked: Asked
  /** Of other databases, and those of which nothing says whose they are; newest first. */
  readonly others: readonly StoredBackup[]
}

export function askedAbout(file: string): Asked {
  const path = realPath(resolve(file))
  try {
    const id = reading(path, client => {
      requireOurs(client, path)
      return identityOf(client)?.id ?? null
    })
    return { id, path }
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    return { id: null, path }
  }
}

/**
 * What cannot tell its identity is known by its path, as long as all backups from there are of one database; where none
 * is from there, by being the only one in the place.
 */
export function ownOf(found: Survey, asked: Asked): OwnSurvey {
  const isOwn = ownership(found.backups, asked)
  return {
    asked,
    backups: found.backups.filter(({ manifest, location }) => isOwn(manifest.database, location)),
    // A manifest that is too broken to say whose it is may be anybody's.
    broken: found.broken.filter(({ database, location }) => database === null || isOwn(database, location)),
    others: found.backups.filter(({ manifest, location }) => !isOwn(manifest.database, location)),
  }
}

/** Each database once, by the newest backup that names it. */
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

/** Whether a backup is of a database, as far as both can tell which it is: before its first migration none can. */
export const belongsTo = (database: Origin | null, location: Location, asked: Asked): boolean =>
  database !== null &&
  (asked.id === null || database.id === null || database.id === asked.id) &&
  isAt(database, location, asked.path)

/** Where the database is if it was moved together with the folder of its backups counts as the same path. */
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
