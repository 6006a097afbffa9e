/** What projects contain: files, each content stored once, and the state of the agent that works on the project. */
import {
  blob,
  check,
  fits,
  id,
  index,
  integer,
  isJson,
  isList,
  primaryKey,
  type SQL,
  type SQLWrapper,
  sql,
  table,
  text,
  uniqueIndex,
} from './columns.ts'
import { imports } from './imports.ts'
import { projects } from './people.ts'

const projectId = () =>
  text('project_id')
    .notNull()
    .references(() => projects.id, { onDelete: 'cascade' })

/** Any text with this in it. */
const holding = (part: string) => fits(['*', part, '*'].join(''))

/** A path within a project: see `src/operations/content/paths.ts`. */
const isPath = (path: SQLWrapper): SQL =>
  sql`length(${path}) BETWEEN 1 AND 1024 AND '/' || ${path} || '/' NOT ${holding('//')} AND '/' || ${path} || '/' NOT ${holding('/../')}`

/** What files hold. Rows that no file refers to are removed by `db optimize`. */
export const fileContents = table(
  'file_contents',
  {
    /** Of the bytes before they were compressed, in hex. */
    sha256: text('sha256').primaryKey(),
    /** Compressed with zstd. */
    bytes: blob('bytes', { mode: 'buffer' }).notNull(),
    /** Before it was compressed. */
    size: integer('size').notNull(),
  },
  t => [
    check('file_contents_sha256', sql`length(${t.sha256}) = 64 AND ${t.sha256} NOT ${fits('*[^0-9a-f]*')}`),
    check('file_contents_size', sql`${t.size} BETWEEN 0 AND 16777216`),
  ],
)

const fileId = id('fil', 'project_files')
export const projectFiles = table(
  'project_files',
  {
    id: fileId.column,
    projectId: projectId(),
    path: text('path').notNull(),
    sha256: text('sha256')
      .notNull()
      .references(() => fileContents.sha256, { onDelete: 'restrict' }),
    size: integer('size').notNull(),
    mediaType: text('media_type').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    fileId.check,
    uniqueIndex('project_files_path').on(t.projectId, t.path),
    index('project_files_sha256').on(t.sha256),
    check('project_files_path_form', isPath(t.path)),
    check('project_files_size', sql`${t.size} BETWEEN 0 AND 16777216`),
  ],
)

/** What became of files, without their contents. */
const fileChangeId = id('fch', 'file_history')
export const fileHistory = table(
  'file_history',
  {
    id: fileChangeId.column,
    projectId: projectId(),
    path: text('path').notNull(),
    action: text('action', { enum: ['added', 'changed', 'removed', 'moved'] }).notNull(),
    /** Where it was before it moved here. */
    previousPath: text('previous_path'),
    /** What it has held since; null of one that was removed. */
    sha256: text('sha256'),
    size: integer('size'),
    actor: text('actor').notNull(),
    at: integer('at').notNull(),
  },
  t => [
    fileChangeId.check,
    index('file_history_project').on(t.projectId, t.id),
    index('file_history_path').on(t.projectId, t.path, t.id),
    check('file_history_action', sql`${t.action} IN ('added', 'changed', 'removed', 'moved')`),
    check('file_history_content', sql`(${t.sha256} IS NULL) = (${t.size} IS NULL)`),
  ],
)

export const agentStates = table(
  'agent_states',
  {
    projectId: projectId().primaryKey(),
    currentState: text('current_state').notNull().default('idle'),
    currentPhase: text('current_phase'),
    sandboxId: text('sandbox_id'),
    previewUrl: text('preview_url'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [check('agent_states_form', sql`length(${t.currentState}) BETWEEN 1 AND 100`)],
)

/** Rows of a state in their order, from 1, which the statement that inserts one gives. */
const position = () => integer('position').notNull()

export const agentPhases = table(
  'agent_phases',
  {
    projectId: projectId(),
    position: position(),
    name: text('name').notNull(),
    description: text('description'),
    /** Paths. */
    files: text('files', { mode: 'json' }).$type<readonly string[]>().notNull(),
    isLast: integer('is_last', { mode: 'boolean' }).notNull(),
    completedAt: integer('completed_at'),
  },
  t => [
    primaryKey({ columns: [t.projectId, t.position] }),
    check('agent_phases_position', sql`${t.position} > 0`),
    check('agent_phases_files', sql`${isJson(t.files)} AND ${isList(t.files)}`),
    check('agent_phases_is_last', sql`${t.isLast} IN (0, 1)`),
  ],
)

export const agentFiles = table(
  'agent_files',
  { projectId: projectId(), path: text('path').notNull(), position: position() },
  t => [
    primaryKey({ columns: [t.projectId, t.path] }),
    uniqueIndex('agent_files_position').on(t.projectId, t.position),
    check('agent_files_position_form', sql`${t.position} > 0`),
    check('agent_files_path_form', isPath(t.path)),
  ],
)

export const agentMessages = table(
  'agent_messages',
  {
    projectId: projectId(),
    position: position(),
    role: text('role', { enum: ['user', 'assistant', 'system'] }).notNull(),
    content: text('content').notNull(),
    at: integer('at').notNull(),
  },
  t => [
    primaryKey({ columns: [t.projectId, t.position] }),
    check('agent_messages_position', sql`${t.position} > 0`),
    check('agent_messages_role', sql`${t.role} IN ('user', 'assistant', 'system')`),
  ],
)

/** Which file a document of a source became here. */
export const importedFiles = table(
  'imported_files',
  {
    source: text('source').notNull(),
    /** Id in the source. */
    foreignId: text('foreign_id').notNull(),
    projectId: projectId(),
    importId: text('import_id')
      .notNull()
      .references(() => imports.id, { onDelete: 'restrict' }),
    /** Its path and SHA-256 as the import left it: a file that differs was changed since. */
    state: text('state', { mode: 'json' }).$type<unknown>().notNull(),
  },
  t => [
    primaryKey({ columns: [t.source, t.foreignId] }),
    index('imported_files_project').on(t.projectId),
    index('imported_files_import').on(t.importId),
    check('imported_files_state_json', isJson(t.state)),
  ],
)
