/** What a PostgreSQL database says of its schema. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { AppliedMigration } from '../history.ts'
import { latestVersion } from '../schema/version.ts'
import type { Connection } from './connection.ts'

/** `empty` has no table, view or sequence; what belongs to an extension does not count. */
export type Schema = { readonly is: 'empty' | 'foreign' } | OurSchema

export interface OurSchema {
  readonly is: 'ours'
  readonly version: number
  readonly applied: readonly AppliedMigration[]
}

/** The schema in which the role makes its tables. */
export async function schemaOf(connection: Connection): Promise<Schema> {
  const [found] = await connection.rows<{ columns: number; others: number }>(
    `SELECT
      (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('migrations')
        AND attname IN ('version', 'name', 'hash', 'applied_at', 'program_version')) AS columns,
      (SELECT count(*) FROM pg_class c WHERE relnamespace = current_schema()::regnamespace
        AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (
          SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')) AS others`,
  )
  if (found?.columns !== 5) return { is: found?.others === 0 ? 'empty' : 'foreign' }
  const applied = await connection.rows<AppliedMigration>(
    `SELECT version, name, hash, applied_at AS "appliedAt", program_version AS "programVersion"
      FROM migrations ORDER BY version`,
  )
  return { is: 'ours', version: applied.at(-1)?.version ?? 0, applied }
}

/**
 * Refuses a database that this program must not use.
 *
 * @throws database_missing, database_foreign, schema_older, schema_newer
 */
export async function requireCurrent(connection: Connection): Promise<void> {
  const { name } = connection
  const { version } = requireOurs(await schemaOf(connection), name)
  if (version < latestVersion) {
    throw new LatchkeyError(
      'schema_older',
      `${name} has schema version ${version}; this program needs ${latestVersion}`,
      'bring it up to date with: latchkey migrate up',
    )
  }
  if (version > latestVersion) throw newer(name, version)
}

/** @throws database_missing, database_foreign */
export function requireOurs(schema: Schema, name: string): OurSchema {
  if (schema.is === 'ours') return schema
  if (schema.is === 'empty') {
    throw new LatchkeyError(
      'database_missing',
      `there is nothing of Latchkey in ${name}`,
      'make its tables with: latchkey init',
    )
  }
  throw foreign(name)
}

export const foreign = (name: string): LatchkeyError =>
  new LatchkeyError(
    'database_foreign',
    `${name} has tables, but they are not Latchkey's`,
    'name an empty database with --db: createdb makes one',
  )

export const newer = (name: string, version: number): LatchkeyError =>
  new LatchkeyError(
    'schema_newer',
    `${name} has schema version ${version}, which is newer than this program knows (${latestVersion})`,
    'use the newer Latchkey that wrote it; nothing was changed',
  )
