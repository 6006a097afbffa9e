import { expect, test } from 'bun:test'
import { touchedTests } from './quick.ts'

const sources = new Map([
  ['src/text/words.ts', 'export const words = 1'],
  ['src/text/words.test.ts', "import { words } from './words.ts'"],
  ['src/text/other.test.ts', "import { test } from 'bun:test'"],
  ['src/keys/keys.ts', "import { words } from '../text/words.ts'; export const keys = words"],
  ['src/keys/keys.test.ts', "import { keys } from './keys.ts'; keys"],
  ['src/types/types.test.ts', "import type { words } from '../text/words.ts'"],
  ['src/cli/tree.ts', "export const load = () => import('../keys/keys.ts')"],
  ['src/cli/tree.test.ts', "import { load } from './tree.ts'; load()"],
  ['src/readme.test.ts', "const page = 'README.md'"],
])

test.each([
  [
    'what imports it, over another file or not',
    ['src/text/words.ts'],
    ['src/keys/keys.test.ts', 'src/text/other.test.ts', 'src/text/words.test.ts'],
  ],
  ['what lies beside it', ['src/keys/new.ts'], ['src/keys/keys.test.ts']],
  ['the test itself', ['src/cli/tree.test.ts'], ['src/cli/tree.test.ts']],
  ['what names a page', ['README.md'], ['src/readme.test.ts']],
  ['nothing for what nobody knows', ['docs/unknown.md'], []],
])('a change touches %s', (_, changed, tests) => {
  expect(touchedTests(changed, sources)).toEqual(tests)
})

test('a change touches neither who has only its types, nor who loads it late, nor who is elsewhere', () => {
  const touched = touchedTests(['src/keys/keys.ts'], sources)
  expect(touched).toEqual(['src/keys/keys.test.ts'])
  expect(touchedTests(['src/text/words.ts'], sources)).not.toContain('src/types/types.test.ts')
})
