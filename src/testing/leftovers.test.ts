import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'

const guard = join(import.meta.dir, 'leftovers.ts')

test.each([
  ["process.env['HIDDEN'] = 'value'", 'HIDDEN'],
  ["delete process.env['PATH']", 'PATH'],
  ["process.chdir('/')", 'the current folder'],
  ['process.umask(0)', 'the umask'],
])('a file that does %s fails, and one that takes it back passes', async (change, name) => {
  using folder = temporaryFolder()
  const outcome = async (after: string) => {
    const file = folder.write(
      'some.test.ts',
      `import { afterAll, test } from 'bun:test'
       const was = [{ ...process.env }, process.cwd(), process.umask()] as const
       test('changes it', () => { ${change} })
       ${after}`,
    )
    const child = Bun.spawn([process.execPath, 'test', '--preload', guard, file], {
      cwd: folder.path,
      stdout: 'pipe',
      stderr: 'pipe',
    })
    return { said: await child.stderr.text(), code: await child.exited }
  }
  const left = await outcome('')
  expect(left.code).toBe(1)
  expect(left.said).toContain(`this file leaves behind for the next: ${name}\n`)
  expect(left.said).not.toContain('value\n')
  const undo = 'process.env = was[0]; process.chdir(was[1]); process.umask(was[2])'
  expect(await outcome(`afterAll(() => { ${undo} })`)).toMatchObject({ code: 0 })
})
