/** Work that one process may do at a time, with real processes. */
import { expect, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { firstLine } from '../../testing/lines.ts'
import { alone } from './alone.ts'

const module = join(import.meta.dir, 'alone.ts')

/** A process that works on it until it is killed, once it has begun. */
async function worker(path: string) {
  const code = `
    const { alone } = await import(${JSON.stringify(module)})
    await alone(${JSON.stringify(path)}, 20_000, async () => {
      console.log('works')
      await Bun.sleep(60_000)
    })`
  const child = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' })
  await firstLine(child.stdout)
  return child
}

test('somebody else waits, or is told that it is busy, and goes on as soon as the process is killed', async () => {
  using folder = temporaryFolder()
  const path = folder.file('latchkey.db')
  const child = await worker(path)
  const busy = await failure(alone(path, 0, async () => 'done'))
  expect(busy).toMatchObject({ code: 'busy', exit: 75 })
  const next = alone(path, 20_000, async () => 'done')
  expect(await Promise.race([next, Bun.sleep(100).then(() => 'waits')])).toBe('waits')
  child.kill('SIGKILL')
  expect(await next).toBe('done')
  expect(readdirSync(dirname(path))).toEqual([])
})

test('many in this process and in others work one after another, and nothing is left beside the file', async () => {
  using folder = temporaryFolder()
  const path = folder.file('latchkey.db')
  const mark = folder.file('mark')
  const code = `
    const { alone } = await import(${JSON.stringify(module)})
    const { openSync, closeSync, rmSync } = await import('node:fs')
    const one = () => alone(${JSON.stringify(path)}, 60_000, async () => {
      closeSync(openSync(${JSON.stringify(mark)}, 'wx'))
      await Bun.sleep(Math.random() * 3)
      rmSync(${JSON.stringify(mark)})
    })
    await Promise.all(Array.from({ length: 15 }, one))`
  const children = [1, 2, 3].map(() => Bun.spawn([process.execPath, '-e', code], { stderr: 'inherit' }))
  expect(await Promise.all(children.map(child => child.exited))).toEqual([0, 0, 0])
  expect(readdirSync(folder.path)).toEqual([])
}, 120_000)

test('work that fails lets the next one begin', async () => {
  using folder = temporaryFolder()
  const path = folder.file('latchkey.db')
  const failing = alone(path, 0, async () => {
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await alone(path, 0, async () => existsSync(`${path}-alone`))).toBe(true)
})
