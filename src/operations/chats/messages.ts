/** What is said in chats. Messages are only ever added, and go with their chat. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Message } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, sql } from '../../db/query.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { ChatSelector } from '../input.ts'
import { type Row, targetOf } from '../nouns.ts'
import { inOrder, paged, streamOf } from '../page.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { type MessagePage, type NewMessage, newMessage } from './input.ts'

/** Adds a message at the end of a chat. @throws not_found, ambiguous, invalid */
export async function appendMessage(
  context: OperationContext,
  selector: ChatSelector,
  input: NewMessage,
): Promise<Message> {
  const { role, content, metadata = null } = rules.parse(newMessage, input)
  return context.store.write(async db => {
    const chat = await find(db, 'chat', selector)
    const now = context.now()
    // First, because it holds off others who append: the position is that of the latest message and one.
    await db.update(chats).set({ updatedAt: now.getTime() }).where(eq(chats.id, chat.id))
    const [made] = await db
      .insert(messages)
      .values({
        id: newId('msg', now),
        chatId: chat.id,
        position: sql`(SELECT coalesce(max(position), 0) + 1 FROM messages WHERE chat_id = ${chat.id})`,
        role,
        content,
        metadata,
        createdAt: now.getTime(),
      })
      .returning()
    if (!made) throw new Error('the message was written, but not returned')
    const after = { message: made.id, position: made.position, role }
    await record(context, db, { action: 'chat.append', target: targetOf('chat', chat), after })
    return messageView(chat, made)
  })
}

/** In the order of their positions. @throws not_found, ambiguous, invalid */
export const messageList = paged('messages', (_, selector: ChatSelector, given: MessagePage = {}) => {
  const { limit, after, descending } = rules.parse(rules.positions, given)
  return { limit, open: db => messagesOf(db, selector, after, descending) }
})

/** Streams all messages of a chat in their order, from one snapshot. @throws not_found, ambiguous, once the first is read */
export const exportMessages = (context: OperationContext, selector: ChatSelector): AsyncGenerator<Message> =>
  streamOf(context, { open: db => messagesOf(db, selector) })

async function messagesOf(db: Database, selector: ChatSelector, after?: number, descending = false) {
  const chat = await find(db, 'chat', selector)
  return inOrder(db, messages, {
    by: messages.position,
    where: eq(messages.chatId, chat.id),
    descending,
    after,
    // Messages may be large.
    batch: 100,
    views: rows => rows.map(row => messageView(chat, row)),
    keyOf: ({ position }) => position,
  })
}

/**
 * One message of a chat.
 *
 * @param which its id, or its position
 * @throws not_found, ambiguous
 */
export function getMessage(
  context: OperationContext,
  selector: ChatSelector,
  which: string | number,
): Promise<Message> {
  return context.store.read(async db => {
    const chat = await find(db, 'chat', selector)
    const isMeant = typeof which === 'number' ? eq(messages.position, which) : eq(messages.id, which)
    const [row] = await db
      .select()
      .from(messages)
      .where(and(eq(messages.chatId, chat.id), isMeant))
      .limit(1)
    if (row) return messageView(chat, row)
    throw new LatchkeyError(
      'not_found',
      `${chat.title} (${chat.id}) has no such message`,
      `see its messages with: ${lineOf('chat export', chat.id)}`,
    )
  })
}

const messageView = (
  { id, title }: Pick<Row<'chat'>, 'id' | 'title'>,
  row: typeof messages.$inferSelect,
): Message => ({
  id: row.id,
  chat: { id, title },
  position: row.position,
  role: row.role,
  content: row.content,
  metadata: row.metadata,
  createdAt: new Date(row.createdAt),
})
