/** How the program is started: from source as npm installs it, and compiled, which `bun run test:binary` puts in its place. */
import { expect, test } from 'bun:test'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { bunAlone } from './system/bun-alone.ts'
import { temporaryFolder } from './testing/folder.ts'
import { entryPoint, spawnLatchkey } from './testing/process.ts'
import { requirePresent } from './testing/tools.ts'
import { layTraps } from './testing/traps.ts'

const compiled = process.env['LATCHKEY_PROGRAM'] !== undefined
const binaryTest = requirePresent(compiled, 'a compiled program: see bun run test:binary')

/** npm, `bun add --global` and a clone all put a link on the PATH that leads to the file in the package. */
test('whoever starts it in a foreign folder runs and reads nothing of what lies there', async () => {
  using folder = temporaryFolder()
  const [bin, home, foreign] = [folder.file('bin'), folder.file('home'), folder.file('foreign')]
  for (const each of [bin, home, foreign]) mkdirSync(each)
  symlinkSync(process.env['LATCHKEY_PROGRAM'] ?? entryPoint, join(bin, 'latchkey'))
  symlinkSync(process.execPath, join(bin, 'bun'))
  const { sprung } = layTraps(foreign)
  const ran = Bun.spawnSync(
    [
      'sh',
      '-ec',
      // A fast backup is copied in a thread, which is a second entry point of the compiled program.
      'latchkey init; latchkey key create ci --expires 90d; latchkey backup create --fast; latchkey --version; latchkey config get db',
    ],
    { cwd: foreign, env: { PATH: `${bin}:/usr/bin:/bin`, HOME: home, CI: 'true' }, stdin: 'ignore' },
  )
  expect(sprung()).toBe('')
  expect(ran.stderr.toString()).toBe('Copy it now: it cannot be shown again.\n')
  const [version, db] = ran.stdout.toString().trim().split('\n').slice(-2)
  expect(version).toMatch(/^latchkey \d+\.\d+\.\d+$/)
  expect(db).toBe(join(home, '.local/share/latchkey/latchkey.db'))
})

test('what it starts itself with, and what schedules start it with, are the same options', async () => {
  const [, shell = ''] = readFileSync(entryPoint, 'utf8').split('\n')
  expect(shell).toContain(`exec bun ${bunAlone.join(' ')} "$0" "$@"`)
  if (compiled) return
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  await spawnLatchkey('init', { db })
  const ran = await spawnLatchkey("backup schedule --cron '17 3 * * *' --crontab --print --json", {
    db,
    entry: entryPoint,
  })
  const { entries } = ran.json<{ entries: { content: string }[] }>()
  expect(entries[0]?.content).toContain(`${process.execPath} ${bunAlone.join(' ')} ${entryPoint} --db`)
})

binaryTest('a schedule starts the program itself', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  await spawnLatchkey('init', { db })
  const ran = await spawnLatchkey("backup schedule --cron '17 3 * * *' --crontab --print --json", { db })
  const { entries } = ran.json<{ entries: { content: string }[] }>()
  expect(entries[0]?.content).toContain(`${process.env['LATCHKEY_PROGRAM']} --db ${db} backup create`)
})
