import { expect, test } from 'bun:test'
import { chosenTests } from './on-postgres.ts'

const all = ['src/operations/chats/chats.test.ts', 'src/operations/chats/search.test.ts', 'src/nouns.test.ts']

test.each([
  [[], all, []],
  [['src/nouns.test.ts'], ['src/nouns.test.ts'], []],
  [['./src/operations/chats/', '-t', 'a page'], all.slice(0, 2), ['-t', 'a page']],
  [['src/operations/chats/search.test.ts', 'src/nouns.test.ts', '--bail'], all.slice(1), ['--bail']],
  [['src/architecture.test.ts'], [], []],
  [['-t', 'chats'], all, ['-t', 'chats']],
])('%j runs %j', (words, files, more) => {
  expect(chosenTests(all, words)).toEqual({ files, words: more })
})
