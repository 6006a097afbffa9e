/**
 * The migrations for PostgreSQL, oldest first. The first makes the schema that SQLite reached in several; from then on there
 * is one for each of SQLite's, with the same name and version. A test compares them with the folder.
 */
import { migrationTexts } from './migration-texts.ts'

export interface MigrationSource {
  /** The schema version after it. */
  readonly version: number
  readonly name: string
  readonly up: string
  /** SHA-256 of the text, in hex, which a database stores. */
  readonly hash: string
}

export const migrations: readonly MigrationSource[] = migrationTexts.map(([name, up]) => ({
  version: Number(name.slice(0, 4)) + 1,
  name,
  up,
  get hash() {
    return new Bun.CryptoHasher('sha256').update(up).digest('hex')
  },
}))
