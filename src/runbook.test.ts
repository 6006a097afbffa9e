/** The way back at 3 a.m., as it stands in docs/backup.md, from every state that a database can be lost in. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './testing/folder.ts'
import { run } from './testing/run.ts'

setDefaultTimeout(600_000)

const page = readFileSync(join(import.meta.dir, '../docs/backup.md'), 'utf8')
const [section = ''] = /^## It is 3 a\.m\.[\s\S]*?(?=^## )/m.exec(page) ?? []
const commands = [...section.matchAll(/^ *```(?:sh|console)\n *(?:\$ )?latchkey (.*)\n *```$/gm)].map(
  ([, line = '']) => line,
)

test.each<[string, (db: string) => void]>([
  ['is gone', db => rmSync(db)],
  ['is gone with its folder', db => rmSync(join(db, '..'), { recursive: true })],
  ['was moved away', db => renameSync(db, `${db}.old`)],
  ['is empty', db => writeFileSync(db, '')],
  ['is garbage', db => writeFileSync(db, 'x'.repeat(50_000))],
  ['is there, and wrong', () => {}],
])('every command of the runbook works when the database %s', async (_, lose) => {
  using folder = temporaryFolder()
  const [db, backups] = [folder.file('lib', 'latchkey.db'), folder.file('var')]
  const users: string[][] = []
  const list = async () =>
    (await run('user list --json', { db })).json<{ username: string }[]>().map(user => user.username)
  const ids: string[] = []
  await run('init --admin alice', { db })
  for (const name of ['bob', 'carol']) {
    ids.push((await run(`backup create --to ${backups} --json`, { db })).json<{ id: string }>().id)
    await run(`user create ${name}`, { db })
  }
  lose(db)
  expect(commands).toHaveLength(6)
  for (const command of commands) {
    const line = command.replace('/var/backups/latchkey', backups).replace(/bak_\w+/, ids[0] ?? '')
    const { code, err } = await run(line, { db })
    expect([line, code, err]).toEqual([line, 0, expect.any(String)])
    if (line.startsWith('restore') && !line.includes('--dry-run')) users.push(await list())
  }
  // The latest, an earlier one, and the latest again.
  expect(users).toEqual([['alice', 'bob'], ['alice'], ['alice', 'bob']])
})

test('where there was nothing to go back to, an undo says how to go on', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  await run('init', { db })
  await run('backup create', { db })
  rmSync(db)
  await run('restore --latest --yes', { db })
  const { code, err } = await run('restore --undo --yes', { db })
  expect(code).toBe(3)
  expect(err).toContain(`there was no database at ${db} before the last restore`)
  expect(err).toContain('latchkey restore ID')
})
