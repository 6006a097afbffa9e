/** The database file and its schema. */
import {
  as,
  choice,
  flag,
  integer,
  list,
  mapOf,
  nullable,
  type Of,
  object,
  openObject,
  text,
  time,
} from '../shape.ts'
import { holder, userRef } from './refs.ts'
import type { KeyDenial, KeyStatus } from './words.ts'

export const migration = object('Migration', {
  version: integer('Number of the migration, from 1'),
  name: text('Its name'),
  state: choice(['applied', 'pending', 'changed', 'unknown'], 'State in this database'),
  appliedAt: nullable(time('When it was applied')),
})

export const schemaState = object('SchemaState', {
  path: text('The database'),
  current: integer('Schema version of the database'),
  latest: integer('Schema version of this program'),
  migrations: list(migration, 'Every migration, oldest first'),
})

export const migrated = object('Migrated', {
  path: text('The database'),
  from: integer('Schema version before'),
  to: integer('Schema version after'),
  steps: list(text('Name of a migration'), 'Migrations applied or reverted, in order'),
  backup: nullable(text('Id of the safety copy; null when nothing had to change')),
  lost: mapOf(integer('Rows or values'), 'Lost rows by table, lost values by table.column'),
})

export const migrationPlan = object('MigrationPlan', {
  path: text('The database'),
  from: integer('Schema version now'),
  to: integer('Schema version after'),
  steps: list(
    object('PlannedStep', {
      version: integer('Number of the migration'),
      name: text('Its name'),
      direction: choice(['up', 'down'], 'Whether it is applied or reverted'),
      sql: text('The SQL that runs'),
    }),
    'What would run, in order, as one transaction',
  ),
  lost: mapOf(integer('Rows or values'), 'Rows that would be lost by table, values by table.column'),
})

export const schemaEvent = object('SchemaEvent', {
  at: time('When'),
  event: choice(['init', 'up', 'down', 'restore'], 'What changed the schema'),
  from: nullable(integer('Schema version before; null when it is not known')),
  to: integer('Schema version after'),
  steps: list(text('Name of a migration'), 'Migrations applied or reverted, in order'),
  actor: nullable(text('Who; null when only the list of migrations records it')),
  backup: nullable(text('Id of the safety copy, or of the backup restored')),
  programVersion: nullable(text('Version of Latchkey that did it')),
})

export const schemaCheck = object('SchemaCheck', {
  path: text('The database'),
  ok: flag('Whether nothing was found'),
  problems: list(
    object('SchemaProblem', {
      kind: choice(['history', 'schema', 'foreign_key', 'integrity'], 'What kind of check found it'),
      detail: text('The result'),
    }),
    'The result',
  ),
})

export const initialized = object('Initialized', {
  path: text('The new database'),
  schemaVersion: integer('Its schema version'),
  user: nullable(as(userRef, 'The first user, if one was asked for')),
})

export const databaseInfo = object('DatabaseInfo', {
  path: text('The database'),
  sizeBytes: integer('Its size'),
  walBytes: integer('Size of its write-ahead log'),
  pageSizeBytes: integer('Size of a page'),
  pages: integer('Pages in the file'),
  freePages: integer('Empty pages; db vacuum removes them'),
  journalMode: text('Journal mode of SQLite; wal once the database was written to'),
  sqliteVersion: text('Version of SQLite in this program'),
  schemaVersion: integer('Its schema version'),
  latestSchemaVersion: integer('Schema version of this program'),
  rows: mapOf(integer('Rows'), 'Rows per table'),
  openBy: list(holder, 'Other processes that have it open, if the system shows them'),
})

export const transferredDatabase = object('TransferredDatabase', {
  from: text('Where it was copied from: a path, or a URL without password and options'),
  to: text('Where it was copied to'),
  rest: flag('Whether only what has changed since an earlier copy was brought over'),
  schemaVersion: integer('Schema version of both'),
  rows: integer('Rows in all tables'),
  tables: list(
    object('TransferredTable', {
      name: text('The table'),
      rows: integer('Rows, the same in both'),
      changed: integer('Rows that were written or removed'),
      sha256: text('SHA-256 of the rows, in hex, the same in both'),
    }),
    'Every table but the history of migrations',
  ),
})

export const vacuumed = object('Vacuumed', {
  path: text('The database'),
  bytesBefore: integer('Its size before'),
  bytesAfter: integer('Its size now; in a dry run an estimate'),
})

export const optimized = object('Optimized', {
  path: text('The database'),
  statements: list(text('SQL'), 'What was run, or would be in a dry run'),
})

export const queryRow = openObject('QueryRow', 'What the statement selects, by column name')

export type Migration = Of<typeof migration>
export type SchemaState = Of<typeof schemaState>
export const seeded = object('Seeded', {
  randomSeed: integer('What the data was made with: the same gives the same'),
  users: integer('Users'),
  organizations: integer('Organizations'),
  teams: integer('Teams of the organizations'),
  invitations: integer('Invitations to the organizations'),
  projects: integer('Projects'),
  keys: integer('Keys'),
  chats: integer('Chats'),
  messages: integer('Messages'),
  requests: integer('Requests of the keys'),
})

export type Seeded = Of<typeof seeded>
export type Migrated = Of<typeof migrated>
export type MigrationPlan = Of<typeof migrationPlan>
export type SchemaEvent = Of<typeof schemaEvent>
export type SchemaCheck = Of<typeof schemaCheck>
export type Initialized = Of<typeof initialized>
export type DatabaseInfo = Of<typeof databaseInfo>
export type Vacuumed = Of<typeof vacuumed>
export type TransferredDatabase = Of<typeof transferredDatabase>
export type Optimized = Of<typeof optimized>

/** What there is, in numbers. */
export interface Inventory {
  /** Keys by status. */
  readonly keys: Readonly<Record<KeyStatus, number>>
  /** All that the keys have ever used; tokens that came without a split are `otherTokens`. */
  readonly used: {
    readonly requests: number
    readonly inputTokens: number
    readonly outputTokens: number
    readonly otherTokens: number
    readonly costUsd: number
    /** Requests that told no cost and whose model had no price. */
    readonly unpricedRequests: number
  }
  /** Verdicts that denied a key, by code: those of serve and of the library, as long as the key and the day are kept. */
  readonly denials: Readonly<Record<KeyDenial, number>>
  /** Size of the database. */
  readonly sizeBytes: number
  /** Size of the write-ahead log of a file; null on a server. */
  readonly walBytes: number | null
}
