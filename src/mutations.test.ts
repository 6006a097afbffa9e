import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInGroup } from '../mutations/group.ts'
import { mutations } from '../mutations/list.ts'
import { isRunning } from './system/processes.ts'

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

test('what a test has started and left behind ends with it, and keeps nobody waiting', async () => {
  const command = ['sh', '-c', 'sleep 1000 & echo $! >&2; exit 3']
  const { said, code } = await runInGroup(command, { cwd: root, longestMs: 600_000 })
  expect(code).toBe(3)
  while (isRunning(Number(said))) await Bun.sleep(5)
})

test('a test that goes on for too long is ended', async () => {
  const { signal } = await runInGroup(['sh', '-c', 'sleep 1000; true'], { cwd: root, longestMs: 1 })
  expect(signal).toBe('SIGKILL')
})
