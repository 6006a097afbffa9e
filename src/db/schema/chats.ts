/** Chats of users, and their messages. The words of messages are indexed beside them: see the migration `chats`. */
import { check, fits, id, index, integer, isJson, lower, sql, table, text, uniqueIndex } from './columns.ts'
import { projects, users } from './people.ts'

const chatId = id('cht', 'chats')
export const chats = table(
  'chats',
  {
    id: chatId.column,
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    projectId: text('project_id').references(() => projects.id, { onDelete: 'set null' }),
    title: text('title').notNull(),
    /** What the backend calls the session that continues it. */
    sessionId: text('session_id'),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    chatId.check,
    index('chats_user').on(t.userId, t.updatedAt, t.id),
    index('chats_user_created').on(t.userId, t.id),
    index('chats_project').on(t.projectId, t.updatedAt, t.id),
    index('chats_project_created').on(t.projectId, t.id),
    index('chats_title').on(lower(t.title)),
    index('chats_updated').on(t.updatedAt, t.id),
    check('chats_title_form', sql`length(${t.title}) BETWEEN 1 AND 200 AND ${t.title} NOT ${fits('cht_*')}`),
  ],
)

const messageId = id('msg', 'messages')
export const messages = table(
  'messages',
  {
    /** In the order of arrival. The index of words refers to it, so it must not change. */
    number: integer('number').primaryKey(),
    id: text('id').notNull(),
    chatId: text('chat_id')
      .notNull()
      .references(() => chats.id, { onDelete: 'cascade' }),
    /** In the chat, from 1. */
    position: integer('position').notNull(),
    role: text('role', { enum: ['user', 'assistant', 'system', 'tool'] }).notNull(),
    content: text('content', { mode: 'json' }).$type<unknown>().notNull(),
    metadata: text('metadata', { mode: 'json' }).$type<unknown>(),
    createdAt: integer('created_at').notNull(),
  },
  t => [
    messageId.check,
    uniqueIndex('messages_id').on(t.id),
    uniqueIndex('messages_chat').on(t.chatId, t.position),
    check('messages_position', sql`${t.position} > 0`),
    check('messages_role', sql`${t.role} IN ('user', 'assistant', 'system', 'tool')`),
    check('messages_json', sql`${isJson(t.content)} AND (${t.metadata} IS NULL OR ${isJson(t.metadata)})`),
  ],
)
