/** Checks a copy of a database and describes its contents, for manifests and restores. */

import type { Head } from '../../../db/chain.ts'
import { latestVersion } from '../../../db/schema/version.ts'
import { headOf } from '../../../db/sqlite/chain.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { openPrivate } from '../../../db/sqlite/copy.ts'
import { translate } from '../../../db/sqlite/errors.ts'
import { identityOf } from '../../../db/sqlite/identity.ts'
import {
  erasedUsers,
  foreignKeyCheck,
  integrityCheck,
  pageSize,
  quickCheck,
  rowCounts,
  schemaDrift,
  schemaHash,
} from '../../../db/sqlite/inspect.ts'
import { appliedMigrations, historyProblems } from '../../../db/sqlite/migrate.ts'
import { requireOurs } from '../../../db/sqlite/open.ts'

interface Contents {
  readonly schemaVersion: number
  readonly schemaHash: string
  readonly migrationHead: { readonly version: number; readonly name: string; readonly hash: string } | null
  readonly pageSize: number
  /** Per table. Empty at depth `contents`. */
  readonly rows: Readonly<Record<string, number>>
  readonly auditHead: Head | null
  /** Ids of users, newest first. */
  readonly erased: readonly string[]
}

/**
 * How closely to look. `contents` reads no rows: a hash has proved that they were checked before. `quick` finds broken
 * pages and dangling references. `full` also compares every index with its table, which takes many times as long.
 */
export type Depth = 'contents' | 'quick' | 'full'

/** A manifest has at most 1 MiB. */
const mostErased = 20_000

export interface ExaminationTask {
  readonly path: string
  readonly depth: Depth
  /** What errors call the copy. */
  readonly name: string
}

export interface Examination {
  readonly contents: Contents
  /** The identity of the database; null if it has none yet. */
  readonly databaseId: string | null
  /** The first problem found; null if there is none. */
  readonly damage: string | null
  /** Why it cannot be restored even though it is undamaged; null if it can. */
  readonly refusal: Refusal | null
}

/** `schema_newer`: a newer Latchkey can restore it. */
export interface Refusal {
  readonly code: 'drift' | 'schema_newer'
  readonly problem: string
}

/**
 * Examines a private copy. A truncated copy can open as a valid empty database and pass SQLite's own checks, so a copy
 * without tables counts as damaged.
 */
export function examine({ path, depth, name }: ExaminationTask): Examination {
  try {
    return examineFile(path, depth)
  } catch (error) {
    throw translate(error, name)
  }
}

function examineFile(path: string, depth: Depth): Examination {
  using client = openPrivate(path)
  const contents = describeContents(client, depth)
  const [damage] = [
    ...(depth === 'full' ? integrityCheck(client) : depth === 'quick' ? quickCheck(client) : []),
    ...(depth === 'contents' ? [] : foreignKeyCheck(client)),
    ...(depth !== 'contents' && Object.keys(contents.rows).length === 0 ? ['it has no tables'] : []),
  ]
  return {
    contents,
    databaseId: identityOf(client)?.id ?? null,
    damage: damage ?? null,
    refusal: refusalOf(client, contents.schemaVersion),
  }
}

/** Decides whether a copy can be restored. Create, verify and restore all use it. */
function refusalOf(client: Client, version: number): Refusal | null {
  if (version > latestVersion) {
    const known = `which is newer than this program knows (${latestVersion})`
    return { code: 'schema_newer', problem: `it has schema version ${version}, ${known}` }
  }
  const [problem] = historyProblems(appliedMigrations(client), version)
  if (problem !== undefined) {
    return { code: 'drift', problem: `its migration history does not match this program: ${problem}` }
  }
  // A foreign trigger would run on the next write, which is the audit row of the restore.
  const [foreign] = schemaDrift(client, version)
  if (foreign === undefined) return null
  return { code: 'drift', problem: `its schema does not match version ${version}: ${foreign}` }
}

/** @throws database_foreign */
function describeContents(client: Client, depth: Depth): Contents {
  const { version } = requireOurs(client, 'the copy')
  const head = appliedMigrations(client).at(-1)
  return {
    schemaVersion: version,
    schemaHash: schemaHash(client),
    migrationHead: head ? { version: head.version, name: head.name, hash: head.hash } : null,
    pageSize: pageSize(client),
    rows: depth === 'contents' ? {} : rowCounts(client),
    auditHead: headOf(client) ?? null,
    erased: erasedUsers(client).slice(0, mostErased),
  }
}
