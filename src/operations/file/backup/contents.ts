/** What a whole copy of a database holds, and whether it is sound: what a manifest promises, and a restore checks. */

import { latestVersion } from '../../../db/schema/version.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { openPrivate } from '../../../db/sqlite/copy.ts'
import { translate } from '../../../db/sqlite/errors.ts'
import { identityOf } from '../../../db/sqlite/identity.ts'
import {
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
  /** Per table; none at the depth that counts none. */
  readonly rows: Readonly<Record<string, number>>
}

/**
 * How closely to look. `contents` reads no rows, where a hash is proof that they are what was checked before; `quick`
 * finds broken pages and rows that point at nothing; `full` compares every index with its table as well, which takes
 * many times as long.
 */
export type Depth = 'contents' | 'quick' | 'full'

export interface ExaminationTask {
  readonly path: string
  readonly depth: Depth
  /** What errors call the copy. */
  readonly name: string
}

export interface Examination {
  readonly contents: Contents
  /** Of which database it is a copy; null for one that has no identity yet. */
  readonly databaseId: string | null
  /** The first thing that is wrong; null for a sound copy. */
  readonly damage: string | null
  /** Why no restore takes it, sound as it is; null when one does. */
  readonly refusal: Refusal | null
}

/** `schema_newer`: nothing is wrong with it, and a newer Latchkey restores it. */
export interface Refusal {
  readonly code: 'drift' | 'schema_newer'
  readonly problem: string
}

/**
 * Looks at a private copy. One that was cut short opens as a valid empty database, which every check of SQLite's own
 * passes: having no table is damage.
 */
export function examine({ path, depth, name }: ExaminationTask): Examination {
  try {
    return examineFile(path, depth)
  } catch (error) {
    throw translate(error, name)
  }
}

function examineFile(path: string, depth: Depth): Examination {
  const client = openPrivate(path)
  try {
    const contents = describeContents(client, depth)
    const [damage] = [
      ...(depth === 'full' ? integrityCheck(client) : depth === 'quick' ? quickCheck(client) : []),
      ...(depth === 'contents' ? [] : foreignKeyCheck(client)),
      ...(depth !== 'contents' && Object.keys(contents.rows).length === 0 ? ['it holds no table'] : []),
    ]
    return {
      contents,
      databaseId: identityOf(client)?.id ?? null,
      damage: damage ?? null,
      refusal: refusalOf(client, contents.schemaVersion),
    }
  } finally {
    client.close()
  }
}

/** What decides whether a copy can be restored, for all that take, verify and restore backups. */
function refusalOf(client: Client, version: number): Refusal | null {
  if (version > latestVersion) {
    const known = `which is newer than this program knows (${latestVersion})`
    return { code: 'schema_newer', problem: `it has schema version ${version}, ${known}` }
  }
  const [problem] = historyProblems(appliedMigrations(client), version)
  if (problem !== undefined) {
    return { code: 'drift', problem: `its migration history does not fit this program: ${problem}` }
  }
  // A trigger would run with whatever is written next, the audit row of the restore first.
  const [foreign] = schemaDrift(client, version)
  if (foreign === undefined) return null
  return { code: 'drift', problem: `its schema is not that of version ${version}: ${foreign}` }
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
  }
}
