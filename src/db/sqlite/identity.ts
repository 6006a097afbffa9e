/** Identifies which database a file is a copy of. */
import type { Client } from './client.ts'

export interface DatabaseIdentity {
  /** `dbs_` and 26 characters. */
  readonly id: string
  /** Milliseconds. */
  readonly createdAt: number
}

/** By row order, because clocks may have been set back. */
const oldest = "SELECT 'dbs_' || substr(id, 5) AS id, at AS createdAt FROM audit ORDER BY rowid LIMIT 1"

/**
 * The identity of a Latchkey database of any schema version. If it is too old to store one, the identity that its
 * migration will give it. null if it has no audit log yet.
 */
export function identityOf(client: Client): DatabaseIdentity | null {
  const source = client.hasTable('identity')
    ? 'SELECT id, created_at AS createdAt FROM identity'
    : client.hasTable('audit')
      ? oldest
      : null
  return source === null ? null : (client.query(source).get() as DatabaseIdentity | null)
}

/** For a new database, after its first audit row: the same identity that migrating it down and up would give it. */
export function giveIdentity(client: Client): void {
  client.run(
    `INSERT OR REPLACE INTO identity (single, id, created_at) SELECT 1, id, createdAt FROM (${oldest})`,
  )
}
