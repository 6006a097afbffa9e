/** Inputs of the operations on chats and messages. */
import * as v from 'valibot'
import { chatSorts, messageRoles } from '../../contract/views/words.ts'
import type { Chat, ChatSort, Message, MessageRole } from '../../contract/views.ts'
import type { PageOf } from '../input.ts'
import * as rules from '../rules/input.ts'

export const newChat = v.object({
  /** A user. */
  user: v.string(),
  /** Default New Chat. Several chats may have the same title. */
  title: v.optional(rules.chatTitle, 'New Chat'),
  /** A project. */
  project: v.optional(v.string()),
  /** What the backend calls the session that continues it. */
  sessionId: v.optional(rules.sessionId),
})
export type NewChat = rules.Input<typeof newChat>

export const chatFilter = v.object({
  /** Chats of this user. */
  user: v.optional(v.string()),
  /** Chats of this project. */
  project: v.optional(v.string()),
  /** Part of a title. */
  search: v.optional(v.string()),
  /** Chats without a change since. */
  unchangedSince: v.optional(rules.instant),
})
/** All given conditions must hold. */
export type ChatFilter = rules.Input<typeof chatFilter>

const sort: rules.Rule<ChatSort> = rules.among(chatSorts)
const role: rules.Rule<MessageRole> = rules.among(messageRoles)

export const chatPage = v.object({
  ...chatFilter.entries,
  /** Default `created`, the oldest first. `updated`: the latest change first. */
  sort: v.optional(sort, 'created'),
})
export type ChatPage = rules.Input<typeof chatPage> & rules.Part

export type ChatList = PageOf<'chats', Chat>

export const newMessage = v.object({
  /** Who said it. */
  role,
  /** Text, or any other JSON but null; at most 4 MiB. */
  content: rules.messageContent,
  /** Tokens, cost, model, duration, or any other JSON. */
  metadata: v.optional(rules.metadata),
})
export type NewMessage = rules.Input<typeof newMessage>

export type MessagePage = rules.Positions

export type MessageList = PageOf<'messages', Message>

export const messageSearch = v.object({
  /** Messages in chats of this user. */
  user: v.optional(v.string()),
  /** Messages in chats of this project. */
  project: v.optional(v.string()),
  /** At most this many; default 100. */
  limit: v.optional(rules.pageSize, 100),
  /** Only messages that came before this one, by its id. */
  after: v.optional(v.string()),
})
export type MessageSearchPage = rules.Input<typeof messageSearch>
