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
  ['docs/pictures/make.ts', "export const made = 'docs/pictures'"],
  ['src/pictures.test.ts', "import { made } from '../docs/pictures/make.ts'; made"],
  ['src/serve/listen.test.ts', "const units = join(import.meta.dir, '../../packaging')"],
  ['src/testing/process.ts', "export const program = join(import.meta.dir, '../../bin/latchkey.ts')"],
  ['src/main.test.ts', "import { program } from './testing/process.ts'; program"],
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
  ['what names its folder, over another file or not', ['docs/pictures/seed.ts'], ['src/pictures.test.ts']],
  ['what reads its folder from elsewhere', ['packaging/serve.service'], ['src/serve/listen.test.ts']],
  ['what imports the one that starts it', ['bin/latchkey.ts'], ['src/main.test.ts']],
  ['nothing for what nobody knows', ['docs/unknown.md'], []],
])('a change touches %s', (_, changed, tests) => {
  expect(touchedTests(changed, sources)).toEqual(tests)
})

test('a change touches neither who has only its types, nor who loads it late, nor who is elsewhere', () => {
  const touched = touchedTests(['src/keys/keys.ts'], sources)
  expect(touched).toEqual(['src/keys/keys.test.ts'])
  expect(touchedTests(['src/text/words.ts'], sources)).not.toContain('src/types/types.test.ts')
})
