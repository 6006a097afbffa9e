import { expect } from 'bun:test'
import { chmodSync, copyFileSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { nextLine } from '../../testing/lines.ts'
import { canStepDown, requireMounts, requirePresent, requireTool, stepDown } from '../../testing/tools.ts'

/** A process that may read the database but not write to its folder, so it reads without locks. */
const reader = `
  import { copyTo } from '${join(import.meta.dir, 'copy.ts')}'
  import { openReader, requireUnchanged } from '${join(import.meta.dir, 'open.ts')}'
  const client = openReader(process.argv[1])
  client.query('SELECT count(*) FROM users').get()
  console.log('read')
  await Bun.stdin.text()
  try { requireUnchanged(client); console.log('unchanged') } catch (error) { console.log(error.code, error.exit) }`

const steps = canStepDown()

for (const [what, write, expected] of [
  ['nobody wrote meanwhile', false, 'unchanged'],
  ['somebody wrote meanwhile', true, 'busy 75'],
] as const) {
  requirePresent(steps, 'a way to run as somebody else')(
    `a read without locks is ${expected} when ${what}`,
    async () => {
      await using home = await temporaryLatchkey()
      await home.latchkey.close()
      chmodSync(home.folder, 0o755)
      chmodSync(home.path, 0o644)
      const child = Bun.spawn([...stepDown, process.execPath, '-e', reader, home.path], {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'inherit',
        cwd: '/',
      })
      const output = child.stdout.getReader()
      const line = async () => (await nextLine(output)).trim()
      expect(await line()).toBe('read')
      if (write) {
        const { connectLatchkey } = await import('../../index.ts')
        const other = connectLatchkey({ path: home.path })
        await other.users.create({ username: 'late' })
        await other.close()
      }
      child.stdin.end()
      expect(await line()).toBe(expected)
    },
  )
}

requireMounts()(
  'a disk without room for shared memory is full, and nothing that a restore would mend',
  async () => {
    await using home = await temporaryLatchkey()
    await home.latchkey.close()
    const small = join(home.folder, 'small')
    mkdirSync(small)
    const size = `size=${statSync(home.path).size + 65_536}`
    expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', size, 'tmpfs', small]).exitCode).toBe(0)
    try {
      const path = join(small, 'latchkey.db')
      copyFileSync(home.path, path)
      const filler = Bun.spawnSync(['dd', 'if=/dev/zero', `of=${join(small, 'filler')}`, 'bs=1k'])
      expect(filler.stderr.toString()).toContain('No space left')
      const { connectLatchkey } = await import('../../index.ts')
      const full = connectLatchkey({ path })
      expect(full.users.list()).rejects.toMatchObject({
        code: 'disk_full',
        hint: expect.stringMatching(/^free/),
      })
    } finally {
      Bun.spawnSync(['umount', small])
    }
  },
)

requireTool('sqlite3')("the distribution's own sqlite3 finds nothing wrong with a database", async () => {
  await using home = await temporaryLatchkey()
  const { users, projects, keys } = home.latchkey
  await users.create({ username: 'alice' })
  await projects.create({ name: 'Shop', owner: 'alice' })
  await keys.create({ name: 'ci' })
  const { stdout } = Bun.spawnSync(['sqlite3', home.path, 'PRAGMA integrity_check'])
  expect(stdout.toString().trim()).toBe('ok')
})
