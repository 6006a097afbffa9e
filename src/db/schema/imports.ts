/** What came from other systems, and what it was there. */

import { chats } from './chats.ts'
import { check, id, index, integer, isJson, primaryKey, sql, table, text, uniqueIndex } from './columns.ts'
import { keys } from './keys.ts'
import { projects, users } from './people.ts'

const importId = id('imp', 'imports')
export const imports = table(
  'imports',
  {
    id: importId.column,
    source: text('source').notNull(),
    at: integer('at').notNull(),
    report: text('report', { mode: 'json' }).$type<unknown>().notNull(),
    undoneAt: integer('undone_at'),
  },
  t => [importId.check, check('imports_report_json', isJson(t.report))],
)

/** What was last said, and by which import. */
const remembered = {
  importId: text('import_id')
    .notNull()
    .references(() => imports.id, { onDelete: 'restrict' }),
  state: text('state', { mode: 'json' }).$type<unknown>().notNull(),
}

/** What a source last said of a key: the third side when it is imported again. */
export const importedKeys = table(
  'imported_keys',
  {
    source: text('source').notNull(),
    /** SHA-256 of the secret in the source. */
    hash: text('hash').notNull(),
    keyId: text('key_id')
      .notNull()
      .references(() => keys.id, { onDelete: 'cascade' }),
    ...remembered,
  },
  t => [
    primaryKey({ columns: [t.source, t.hash] }),
    index('imported_keys_key').on(t.keyId),
    index('imported_keys_import').on(t.importId),
    check('imported_keys_state_json', isJson(t.state)),
  ],
)

/** What a source last said of a user, and whom it became here: made by the import, or linked because it was here. */
export const importedUsers = table(
  'imported_users',
  {
    source: text('source').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    ...remembered,
  },
  t => [
    primaryKey({ columns: [t.source, t.foreignId] }),
    // Two people of one source never become one here.
    uniqueIndex('imported_users_user').on(t.userId, t.source),
    index('imported_users_import').on(t.importId),
    check('imported_users_state_json', isJson(t.state)),
  ],
)

/** What a source last said of a project, and which it became here. */
export const importedProjects = table(
  'imported_projects',
  {
    source: text('source').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    projectId: text('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    ...remembered,
  },
  t => [
    primaryKey({ columns: [t.source, t.foreignId] }),
    uniqueIndex('imported_projects_project').on(t.projectId, t.source),
    index('imported_projects_import').on(t.importId),
    check('imported_projects_state_json', isJson(t.state)),
  ],
)

/** Which chat a chat of a source became here. What was said of it there since is not taken over. */
export const importedChats = table(
  'imported_chats',
  {
    source: text('source').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    chatId: text('chat_id')
      .notNull()
      .references(() => chats.id, { onDelete: 'cascade' }),
    ...remembered,
  },
  t => [
    primaryKey({ columns: [t.source, t.foreignId] }),
    index('imported_chats_chat').on(t.chatId),
    index('imported_chats_import').on(t.importId),
    check('imported_chats_state_json', isJson(t.state)),
  ],
)

/**
 * What an import did to each key, user and project, so that it can be taken back. Points at what may have been
 * deleted since, so it has no foreign key.
 */
export const importChanges = table(
  'import_changes',
  {
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    type: text('type', { enum: ['user', 'project', 'key'] }).notNull(),
    targetId: text('target_id').notNull(),
    action: text('action', { enum: ['created', 'updated', 'linked'] }).notNull(),
    /** As it was; null when the import made it. */
    before: text('before', { mode: 'json' }).$type<unknown>(),
    /** As the import left it: what differs from this was changed since. */
    after: text('after', { mode: 'json' }).$type<unknown>(),
  },
  t => [
    primaryKey({ columns: [t.importId, t.type, t.targetId] }),
    index('import_changes_target').on(t.targetId),
    check('import_changes_type', sql`${t.type} IN ('user', 'project', 'key')`),
    check('import_changes_action', sql`${t.action} IN ('created', 'updated', 'linked')`),
    check(
      'import_changes_json',
      sql`(${t.before} IS NULL OR ${isJson(t.before)}) AND (${t.after} IS NULL OR ${isJson(t.after)})`,
    ),
  ],
)

/**
 * What an import did to other rows: organizations and their parts, ways to sign in, sessions. The newest entry of a row says what it
 * last was in the source. Values are hashes, which tell changes and keep no token and no address.
 */
export const importedRows = table(
  'imported_rows',
  {
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'cascade' }),
    /** The table of the row. */
    type: text('type').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    /** May have been deleted since. */
    targetId: text('target_id').notNull(),
    /** The user that the row is of. */
    userId: text('user_id').references(() => users.id, { onDelete: 'cascade' }),
    action: text('action', { enum: ['created', 'updated', 'linked'] }).notNull(),
    /** What it was in the source, by fields. */
    state: text('state', { mode: 'json' }).$type<Readonly<Record<string, string>>>().notNull(),
    /** As the import left it. */
    after: text('after', { mode: 'json' }).$type<Readonly<Record<string, string>>>().notNull(),
    /** The fields that it changed, as they were. */
    before: text('before', { mode: 'json' }).$type<Readonly<Record<string, unknown>>>(),
  },
  t => [
    primaryKey({ columns: [t.importId, t.type, t.foreignId] }),
    index('imported_rows_user').on(t.userId),
    check('imported_rows_action', sql`${t.action} IN ('created', 'updated', 'linked')`),
    check(
      'imported_rows_json',
      sql`${isJson(t.state)} AND ${isJson(t.after)} AND (${t.before} IS NULL OR ${isJson(t.before)})`,
    ),
  ],
)
