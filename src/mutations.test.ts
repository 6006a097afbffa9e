import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mutations } from '../mutations/list.ts'

const root = join(import.meta.dir, '..')

test.each(mutations.map(each => [each.what, each] as const))(
  'the mistake "%s" can be made: see mutations/',
  (_, { file, text, instead, tests }) => {
    const content = readFileSync(join(root, file), 'utf8')
    expect(content.split(text).length - 1, `times that ${file} has: ${text}`).toBe(1)
    expect(instead).not.toBe(text)
    for (const each of tests) expect(existsSync(join(root, each)), each).toBe(true)
  },
)

test('no two mistakes go by the same name', () => {
  const names = mutations.map(({ what }) => what)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})
