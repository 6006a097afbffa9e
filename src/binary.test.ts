/** What only the compiled program can get wrong; `bun run test:binary` names it in LATCHKEY_PROGRAM. */
import { expect } from 'bun:test'
import { temporaryFolder } from './testing/folder.ts'
import { spawnLatchkey } from './testing/process.ts'
import { requirePresent } from './testing/tools.ts'

const compiled = process.env['LATCHKEY_PROGRAM'] !== undefined
const binaryTest = requirePresent(compiled, 'a compiled program: see bun run test:binary')

binaryTest('files for Bun in the folder it is started in mean nothing to it', async () => {
  using folder = temporaryFolder()
  folder.write('.env', 'LATCHKEY_DB=/somewhere/else.db\n')
  folder.write('bunfig.toml', 'preload = ["./preloaded.ts"]\n')
  folder.write('preloaded.ts', 'console.log("preloaded")\n')
  folder.write('package.json', '{"name": "somebody", "version": "9.9.9"}')
  const ran = await spawnLatchkey('config get db', { cwd: folder.path, env: { HOME: folder.path } })
  expect(ran).toMatchObject({
    code: 0,
    err: '',
    out: `${folder.file('.local/share/latchkey/latchkey.db')}\n`,
  })
  expect((await spawnLatchkey('--version', { cwd: folder.path })).out).toMatch(/^latchkey \d+\.\d+\.\d+\n$/)
})

binaryTest('a schedule starts the program itself', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  await spawnLatchkey('init', { db })
  const ran = await spawnLatchkey("backup schedule --cron '17 3 * * *' --crontab --print --json", { db })
  const { entries } = ran.json<{ entries: { content: string }[] }>()
  expect(entries[0]?.content).toContain(`${process.env['LATCHKEY_PROGRAM']} --db ${db} backup create`)
})
