// Runs on PostgreSQL too.
/** Docs that Dokify has: taken over as files of their projects, once, and taken back. */
import { expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

const at = Date.parse('2026-01-18T10:00:00Z')
const id = (kind: string, n: number) => `${kind}_${String(n).padStart(16, '0')}`
const users = [{ id: id('usr', 1), email: 'grace@example.org', created_at: at, updated_at: at }]
const projects = [1, 2].map(n => ({
  id: id('prj', n),
  owner_user_id: id('usr', 1),
  name: `Site ${n}`,
  slug: `site-${n}`,
  created_at: at,
  updated_at: at,
}))
const doc = (n: number, project: number, path: string, content: string | null) => ({
  id: id('doc', n),
  project_id: id('prj', project),
  path,
  content,
  updated_at: at,
})
const docs = [
  doc(1, 1, '/intro.md', '# Intro'),
  doc(2, 1, 'guide/start.md', ''),
  doc(3, 2, 'intro.md', '# Intro'),
  doc(4, 1, 'intro.md', 'again'),
  doc(5, 2, '../up.md', 'up'),
  doc(6, 9, 'lost.md', 'lost'),
  doc(7, 2, 'null.md', null),
]

function dump({ folder }: TestLatchkey, tables: Readonly<Record<string, readonly object[]>> = {}) {
  const file = join(folder, 'dokify')
  mkdirSync(file, { recursive: true })
  for (const [name, rows] of Object.entries({ users, projects, docs, ...tables }))
    writeFileSync(join(file, `${name}.json`), JSON.stringify(rows))
  return { file }
}

test('docs become files of their projects, once', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const report = await latchkey.imports.dokify(dump(home))
  expect(report).toMatchObject({ created: 6, refused: 4, leftBehind: [], ignoredFields: [] })
  expect(report.items.filter(({ type }) => type === 'file')).toEqual(
    [
      ['intro.md', 'created', null],
      ['guide/start.md', 'created', null],
      ['intro.md', 'created', null],
      ['intro.md', 'refused', 'another file of the project has its path'],
      ['../up.md', 'refused', 'its path must not contain . or .. as a folder'],
      ['lost.md', 'refused', 'its project is not in the source'],
      ['null.md', 'refused', 'its content is not text'],
    ].map(([name, outcome, reason]) => ({ type: 'file', name, outcome, reason })) as never,
  )
  const { files } = await latchkey.files.list('site-1')
  expect(files.map(({ path, sizeBytes, mediaType }) => [path, sizeBytes, mediaType])).toEqual([
    ['guide/start.md', 0, 'text/markdown'],
    ['intro.md', 7, 'text/markdown'],
  ])
  expect((await latchkey.audit.list({ action: 'project.file-sync' })).map(({ after }) => after)).toEqual([
    { added: 1, import: report.id },
    { added: 2, import: report.id },
  ])
  await latchkey.files.put('site-1', 'intro.md', 'changed here')
  const more = [...docs.slice(0, 3), doc(8, 1, 'new.md', 'new')]
  const again = await latchkey.imports.dokify(dump(home, { docs: more }))
  expect(again.items.flatMap(({ type, outcome }) => (type === 'file' ? [outcome] : []))).toEqual([
    'unchanged',
    'unchanged',
    'unchanged',
    'created',
  ])
  expect(await new Response((await latchkey.files.open('site-1', 'intro.md')).content).text()).toBe(
    'changed here',
  )
})

test('an undo removes the files and forgets them', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.imports.dokify(dump(home))
  const undo = await latchkey.imports.undo(id!)
  expect(undo).toMatchObject({ removed: 6, kept: 0 })
  expect(await latchkey.projects.list()).toEqual([])
  expect((await latchkey.imports.dokify(dump(home))).created).toBe(6)
})

test('an undo keeps what changed, and a project with files of its own', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.imports.dokify(dump(home))
  await latchkey.files.put('site-1', 'intro.md', 'changed here')
  await latchkey.files.put('site-2', 'own.md', 'own')
  await latchkey.files.move('site-1', 'guide/start.md', 'start.md')
  const refused = await latchkey.imports.undo(id!).catch(error => error)
  expect([refused.code, refused.message]).toEqual([
    'conflict',
    expect.stringContaining('intro.md (changed here since)'),
  ])
  const { items } = await latchkey.imports.undo(id!, { keepChanged: true })
  const told = items.flatMap(({ type, name, outcome }) =>
    type === 'key' ? [] : [[type, name, outcome].join(' ')],
  )
  expect(told.sort()).toEqual([
    'file guide/start.md gone',
    'file intro.md kept',
    'file intro.md removed',
    'project site-1 kept',
    'project site-2 kept',
    'user grace kept',
  ])
  expect((await latchkey.files.list('site-1')).files.map(({ path }) => path)).toEqual([
    'intro.md',
    'start.md',
  ])
  expect((await latchkey.files.list('site-2')).files.map(({ path }) => path)).toEqual(['own.md'])
  // What was removed comes again, and what was kept does not.
  const again = await latchkey.imports.dokify(dump(home, { docs: docs.slice(0, 3) }))
  expect(again.items.flatMap(({ type, outcome }) => (type === 'file' ? [outcome] : []))).toEqual([
    'unchanged',
    'created',
    'created',
  ])
})

test('a secret of a key is not stored as the path of a file', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const secret = `dok_${'ab'.repeat(20)}`
  const api_keys = [{ id: 'k1', user_id: id('usr', 1), key: secret, name: 'ci', revoked_at: null }]
  const { items } = await latchkey.imports.dokify(
    dump(home, { docs: [doc(1, 1, `keys/${secret}.md`, 'x')], api_keys }),
  )
  expect(items.filter(({ type }) => type === 'file')).toEqual([
    {
      type: 'file',
      name: 'file 1',
      outcome: 'refused',
      reason: 'its path holds a secret, and secrets are never stored: change it there first',
    },
  ])
  expect((await latchkey.keys.verify(secret)).valid).toBe(true)
  expect(await home.dump()).not.toContain(secret)
})
