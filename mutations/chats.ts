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
  {
    what: 'a chat that was deleted here comes back with the next import',
    file: 'src/operations/import/chats.ts',
    text: 'if (last === undefined && came.has(from.id))',
    instead: 'if (last !== undefined && came.has(from.id))',
    tests: ['src/operations/import/chats.test.ts'],
    only: 'does not come back',
  },
  {
    what: 'an undo of an import does not forget the chats that are gone',
    file: 'src/operations/import/chats.ts',
    text: "item.outcome !== 'kept'))) {",
    instead: "item.outcome === 'removed'))) {",
    tests: ['src/operations/import/chats.test.ts'],
    only: 'does not come back',
  },
  {
    what: 'who was erased is still remembered by the chats that they had',
    file: 'src/operations/import/chats.ts',
    text: "        userId,\n        action: 'created'",
    instead: "        userId: null,\n        action: 'created'",
    tests: ['src/operations/import/chats.test.ts'],
    only: 'who was erased',
  },
]
