/**
 * The migrations for PostgreSQL, oldest first. The first makes the schema that SQLite reached in several; from then on there
 * is one for each of SQLite's, with the same name and version. A test compares them with the folder.
 */
import type { Step } from '../history.ts'
import { migrationTexts } from './migration-texts.ts'

export interface MigrationSource extends Step {
  readonly up: string
}

export const migrations: readonly MigrationSource[] = migrationTexts.map(([name, up]) => ({
  version: Number(name.slice(0, 4)) + 1,
  name,
  up,
  get hash() {
    return new Bun.CryptoHasher('sha256').update(up).digest('hex')
  },
}))
