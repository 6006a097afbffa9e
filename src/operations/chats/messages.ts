/** What is said in chats. Messages are only ever added, and go with their chat. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Message } from '../../contract/views.ts'
import { and, asc, desc, eq, gt, lt, sql } from '../../db/query.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { ChatSelector } from '../input.ts'
import { type Row, targetOf } from '../nouns.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { type MessageList, type MessagePage, messagePaging, type NewMessage, newMessage } from './input.ts'

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

/** A page, and how many there are. @throws not_found, ambiguous, invalid */
export function listMessages(
  context: OperationContext,
  selector: ChatSelector,
  given: MessagePage = {},
): Promise<MessageList> {
  const { limit, after, descending } = rules.parse(messagePaging, given)
  const [order, beyond] = descending ? [desc, lt] : [asc, gt]
  return context.store.read(async db => {
    const chat = await find(db, 'chat', selector)
    const inChat = eq(messages.chatId, chat.id)
    const rows = await db
      .select()
      .from(messages)
      .where(and(inChat, after === undefined ? undefined : beyond(messages.position, after)))
      .orderBy(order(messages.position))
      .limit(limit)
    return { messages: rows.map(row => messageView(chat, row)), total: await db.$count(messages, inChat) }
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
      `see its messages with: latchkey chat export ${chat.id}`,
    )
  })
}

/** Messages may be large. */
const batchSize = 100

/** Streams the messages of a chat in their order, from one snapshot. @throws not_found, ambiguous, once the first is read */
export async function* exportMessages(
  context: OperationContext,
  selector: ChatSelector,
): AsyncGenerator<Message> {
  for await (const views of context.store.stream(async function* (snapshot) {
    const db = await snapshot.database()
    const chat = await find(db, 'chat', selector)
    let last = 0
    for (;;) {
      const rows = await db
        .select()
        .from(messages)
        .where(and(eq(messages.chatId, chat.id), gt(messages.position, last)))
        .orderBy(asc(messages.position))
        .limit(batchSize)
      yield rows.map(row => messageView(chat, row))
      if (rows.length < batchSize) return
      last = rows.at(-1)?.position ?? last
    }
  }))
    yield* views
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
