/** Chats, their messages, and what a search finds. */
import { anything, as, choice, integer, nullable, type Of, object, text, time } from '../shape.ts'
import { changed, created, stamps } from './changes.ts'
import { chatRef, projectRef, userRef } from './refs.ts'
import { messageRoles } from './words.ts'

export const chat = object('Chat', {
  id: text('cht_ and a time-sorted id'),
  title: text('Title; several chats may have the same'),
  user: as(userRef, 'Whose it is'),
  project: nullable(as(projectRef, 'The project that it belongs to')),
  sessionId: nullable(text('Session of the backend that continues it')),
  messages: integer('How many messages it has'),
  ...stamps,
})

const said = {
  id: text('msg_ and a time-sorted id'),
  chat: as(chatRef, 'The chat'),
  position: integer('Position in the chat, from 1'),
  role: choice(messageRoles, 'Who said it'),
}

export const message = object('Message', {
  ...said,
  content: anything('What was said: text, or any other JSON'),
  metadata: anything('Tokens, cost, model, duration, or any other JSON; null if there is none'),
  createdAt: time('When it was said'),
})

export const foundMessage = object('FoundMessage', {
  ...said,
  user: as(userRef, 'Whose chat it is'),
  excerpt: text('A part of it, with the first of the words'),
  createdAt: time('When it was said'),
})

export const prunedChats = object('PrunedChats', {
  chats: integer('How many chats were deleted'),
  messages: integer('How many messages they had'),
})

export const createdChat = created('CreatedChat', chat)
export const changedChat = changed('ChangedChat', chat)

export type Chat = Of<typeof chat>
export type CreatedChat = Of<typeof createdChat>
export type Message = Of<typeof message>
export type FoundMessage = Of<typeof foundMessage>
export type PrunedChats = Of<typeof prunedChats>
