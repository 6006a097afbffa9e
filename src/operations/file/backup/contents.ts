/** What a whole copy of a database holds, and whether it is sound: what a manifest promises, and a restore checks. */
import type { Client } from '../../../db/sqlite/client.ts'
import { openPrivate } from '../../../db/sqlite/copy.ts'
import {
  foreignKeyCheck,
  integrityCheck,
  pageSize,
  quickCheck,
  rowCounts,
  schemaHash,
} from '../../../db/sqlite/inspect.ts'
import { appliedMigrations } from '../../../db/sqlite/migrate.ts'
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

export interface Examination {
  readonly contents: Contents
  /** The first thing that is wrong; null for a sound copy. */
  readonly damage: string | null
}

/**
 * Looks at a private copy. One that was cut short opens as a valid empty database, which every check of SQLite's own
 * passes: having no table is damage.
 */
export function examine(path: string, depth: Depth): Examination {
  const client = openPrivate(path)
  try {
    const contents = describeContents(client, depth)
    const [damage] = [
      ...(depth === 'full' ? integrityCheck(client) : depth === 'quick' ? quickCheck(client) : []),
      ...(depth === 'contents' ? [] : foreignKeyCheck(client)),
      ...(depth !== 'contents' && Object.keys(contents.rows).length === 0 ? ['it holds no table'] : []),
    ]
    return { contents, damage: damage ?? null }
  } finally {
    client.close()
  }
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
