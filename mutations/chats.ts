import type { Mutation } from './mutation.ts'

const chats = { tests: ['src/operations/chats/chats.test.ts'] }
const search = { tests: ['src/operations/chats/search.test.ts'] }

/** Mistakes in whose chats are seen, and in what is said in them. */
export const ofChats: readonly Mutation[] = [
  {
    what: 'a chat of another user is found by its id',
    file: 'src/operations/select.ts',
    text: '...named, byStart), where))',
    instead: '...named, byStart)))',
    ...chats,
  },
  {
    what: 'a message does not move the time of its chat',
    file: 'src/operations/chats/messages.ts',
    text: '.set({ updatedAt: now.getTime() })',
    instead: '.set({ updatedAt: chat.updatedAt })',
    ...chats,
  },
  {
    what: 'a search finds what others have said',
    file: 'src/db/sqlite/message-words.ts',
    text: "    ['chats.user_id = ?', userId],\n",
    instead: '',
    ...search,
  },
  {
    what: 'without a filter every chat is pruned',
    file: 'src/operations/chats/chats.ts',
    text: 'if (Object.values(filter).every(value => value === undefined)) {',
    instead: 'if (Object.values(filter).length < 0) {',
    ...chats,
  },
  {
    what: 'an undo takes back what was said since',
    file: 'src/operations/import/chats.ts',
    text: '.updatedAt === updatedAt\n',
    instead: '.updatedAt <= updatedAt\n',
    tests: ['src/operations/import/chats.test.ts'],
  },
]
