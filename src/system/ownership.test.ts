import { expect, setDefaultTimeout } from 'bun:test'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../testing/folder.ts'
import { run } from '../testing/run.ts'
import { requirePresent } from '../testing/tools.ts'
import { createFile, createFolders } from './ownership.ts'

setDefaultTimeout(600_000)

const asRoot = requirePresent(process.getuid?.() === 0, 'root')
const somebody = 65_534

/** Everything below a folder that belongs to root. */
const ofRoot = (folder: string): readonly string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter(
    name => statSync(join(folder, name)).uid === 0,
  )

asRoot('what root makes in the folder of somebody else belongs to them, whatever the command', async () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o700)
  chownSync(folder.path, somebody, somebody)
  const db = folder.file('data', 'latchkey.db')
  const options = { db, env: { HOME: folder.path, XDG_CONFIG_HOME: folder.file('config') } }
  const lines = [
    'init --admin alice',
    'user create bob',
    'key create ci --user alice',
    `key create app --out ${folder.file('secret')}`,
    `config set backup_dir ${folder.file('elsewhere')}`,
    'config unset backup_dir',
    'backup create',
    'backup create --fast --compress none',
    `backup create --to ${folder.file('new', 'place')}`,
    'backup verify --all',
    'restore --latest --yes',
    `restore --latest --yes --to ${folder.file('second', 'copy.db')}`,
    'db vacuum',
    'migrate down --steps 1 --yes',
    'migrate up',
    `usage report --html ${folder.file('report.html')}`,
    'completion install bash',
  ]
  for (const line of lines) {
    const { code, err } = await run(line, options)
    expect([line, code, err]).toEqual([line, 0, expect.any(String)])
    expect([line, ofRoot(folder.path)]).toEqual([line, []])
  }
  // Damages a table, so that the database is moved aside and another file takes its place.
  const file = openSync(db, 'r+')
  writeSync(file, Buffer.alloc(4096, 7), 0, 4096, 4096)
  closeSync(file)
  expect(await run('restore --latest --yes', options)).toMatchObject({ code: 0 })
  expect(ofRoot(folder.path)).toEqual([])
})

asRoot('a restored database belongs to the owner of the one before it, in a folder of another', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  for (const line of ['init', 'backup create']) expect((await run(line, { db })).code).toBe(0)
  chownSync(db, somebody, somebody)
  const file = openSync(db, 'r+')
  writeSync(file, Buffer.alloc(4096, 7), 0, 4096, 4096)
  closeSync(file)
  expect((await run('restore --latest --yes', { db })).code).toBe(0)
  expect(statSync(db)).toMatchObject({ uid: somebody, gid: somebody })
})

asRoot('folders belong to the owner of the one above, a file to that of its folder', () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('theirs'))
  chownSync(folder.file('theirs'), somebody, somebody)
  expect(createFolders(folder.file('theirs', 'a', 'b'), 0o700)).toBe(folder.file('theirs', 'a'))
  createFile(folder.file('theirs', 'a', 'b', 'c'), 0o600)
  createFile(folder.file('own'), 0o600)
  expect(ofRoot(folder.path)).toEqual(['own'])
  expect(createFolders(folder.file('theirs', 'a'), 0o700)).toBeUndefined()
  expect(() => createFile(folder.file('own'), 0o600)).toThrow('EEXIST')
})
