/** Chats of users, and their messages. Types only; `src/operations/chats` has the rules. */
import type { Changed, Chat, CreatedChat, FoundMessage, Message, PrunedChats } from '../contract/views.ts'
import type {
  ChatFilter,
  ChatList,
  ChatPage,
  MessageList,
  MessagePage,
  MessageSearchPage,
  NewChat,
  NewMessage,
} from '../operations/chats/input.ts'
import type { ChatSelector } from '../operations/input.ts'

export type * from '../operations/chats/input.ts'

/**
 * Chats. A chat is selected by id, the first characters of the id, or title. With `{ chat, user }`, chats of other users do
 * not exist: they are `not_found`.
 */
export interface Chats {
  /**
   * Creates a chat.
   *
   * @throws invalid, not_found or ambiguous (the user or project), conflict (the user was erased)
   * @example
   * const chat = await latchkey.chats.create({ user: 'alice', title: 'Holiday' })
   */
  readonly create: (chat: NewChat) => Promise<CreatedChat>
  /**
   * A page of the chats that match the filter, and how many match.
   *
   * @throws invalid, not_found or ambiguous (the user, the project, or the chat to begin after)
   * @example
   * const { chats, total } = await latchkey.chats.list({ user: 'alice', sort: 'updated', limit: 20 })
   */
  readonly list: (page?: ChatPage) => Promise<ChatList>
  /**
   * Streams the chats of `list` from one snapshot, in constant memory. Without a limit it has all of them.
   *
   * @throws invalid, not_found, ambiguous (when the first chat is read)
   * @example
   * for await (const chat of latchkey.chats.stream({ user: 'alice' })) console.log(chat.title)
   */
  readonly stream: (page?: ChatPage) => AsyncIterable<Chat>
  /**
   * One chat.
   *
   * @throws not_found, ambiguous
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * const chat = await latchkey.chats.get({ chat: id, user: 'alice' })
   */
  readonly get: (chat: ChatSelector) => Promise<Chat>
  /**
   * Gives a chat another title.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * await latchkey.chats.rename({ chat: id, user: 'alice' }, 'Summer')
   */
  readonly rename: (chat: ChatSelector, title: string) => Promise<Changed<Chat>>
  /**
   * Sets the session that continues a chat; null for none.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * await latchkey.chats.setSession(id, 'session-7')
   */
  readonly setSession: (chat: ChatSelector, sessionId: string | null) => Promise<Changed<Chat>>
  /**
   * Adds a message at the end of a chat, and moves its `updatedAt`. Of several at the same time, each gets its own position,
   * without a gap.
   *
   * @throws not_found, ambiguous, invalid (the content is null, no JSON, or larger than 4 MiB)
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * const metadata = { tokens: 9, costUsd: 0.0001, model: 'gpt-x', durationMs: 420 }
   * const { position } = await latchkey.chats.append(id, { role: 'assistant', content: 'Hello', metadata })
   */
  readonly append: (chat: ChatSelector, message: NewMessage) => Promise<Message>
  /**
   * A page of the messages of a chat in their order, and how many it has.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * const { messages, total } = await latchkey.chats.messages(id, { descending: true, limit: 20 })
   */
  readonly messages: (chat: ChatSelector, page?: MessagePage) => Promise<MessageList>
  /**
   * One message of a chat, by its id or its position.
   *
   * @throws not_found, ambiguous
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * await latchkey.chats.append(id, { role: 'user', content: 'Hello' })
   * const { content } = await latchkey.chats.message(id, 1)
   */
  readonly message: (chat: ChatSelector, message: string | number) => Promise<Message>
  /**
   * Messages that have all the words, the latest first. Words in quotes must follow each other; `*` at the end of a word
   * stands for more letters. Case and accents do not matter.
   *
   * @throws invalid (no words, or too many), not_found, ambiguous (the user or project)
   * @example
   * const found = await latchkey.chats.search('"good morning" ali*', { user: 'alice' })
   */
  readonly search: (words: string, page?: MessageSearchPage) => Promise<readonly FoundMessage[]>
  /**
   * Streams the messages of a chat in their order, from one snapshot, in constant memory.
   *
   * @throws not_found, ambiguous (when the first message is read)
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * for await (const message of latchkey.chats.export(id)) console.log(JSON.stringify(message))
   */
  readonly export: (chat: ChatSelector) => AsyncIterable<Message>
  /**
   * Erases a chat with its messages. What was used in it still counts.
   *
   * @throws not_found, ambiguous
   * @example
   * const { id } = await latchkey.chats.create({ user: 'alice' })
   * await latchkey.chats.delete({ chat: id, user: 'alice' })
   */
  readonly delete: (chat: ChatSelector) => Promise<Chat>
  /**
   * Erases every chat that matches the filter, in one transaction.
   *
   * @throws invalid (also for an empty filter), not_found, ambiguous (the user or project)
   * @example
   * const aYearAgo = new Date(Date.now() - 365 * 86_400_000)
   * const { chats, messages } = await latchkey.chats.prune({ unchangedSince: aYearAgo })
   */
  readonly prune: (filter: ChatFilter) => Promise<PrunedChats>
}
