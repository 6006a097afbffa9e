// Runs on PostgreSQL too.
import { afterEach, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import type { Latchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

let made: Awaited<ReturnType<typeof temporaryLatchkey>> | undefined
afterEach(async () => {
  await made?.[Symbol.asyncDispose]()
  made = undefined
})

async function home() {
  made = await temporaryLatchkey()
  await made.latchkey.users.create({ username: 'alice' })
  for (const name of ['Shop', 'Blog']) await made.latchkey.projects.create({ name, owner: 'alice' })
  return { ...made, files: made.latchkey.files }
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    error => error.code,
  )
const textOf = async (files: Latchkey['files'], path: string, project = 'shop') =>
  new Response((await files.open(project, path)).content).text()
const stored = async (query: (sql: string) => Promise<readonly unknown[]>, table: string) =>
  Number(Object.values(Object((await query(`SELECT count(*) AS n FROM ${table}`))[0]))[0])

test('a file is written, read, changed, moved and removed, and its history tells so', async () => {
  const { files, clock, latchkey } = await home()
  const first = await files.put('shop', 'docs/plan.md', '# Plan')
  expect(first).toMatchObject({
    path: 'docs/plan.md',
    project: { slug: 'shop' },
    sha256: sha256('# Plan'),
    sizeBytes: 6,
    mediaType: 'text/markdown',
    outcome: 'added',
  })
  expect(await files.put('shop', 'docs/plan.md', '# Plan')).toMatchObject({ outcome: 'unchanged' })
  clock.now = new Date('2026-11-21T00:00:00Z')
  const second = await files.put('shop', 'docs/plan.md', '# Plan B')
  expect(second).toMatchObject({
    id: first.id,
    createdAt: first.createdAt,
    updatedAt: clock.now,
    outcome: 'changed',
  })
  expect(await textOf(files, 'docs/plan.md')).toBe('# Plan B')
  expect(await files.move('shop', 'docs/plan.md', 'plan.md')).toMatchObject({
    id: first.id,
    path: 'plan.md',
    previousPath: 'docs/plan.md',
  })
  expect(await codeOf(files.get('shop', 'docs/plan.md'))).toBe('not_found')
  expect(await files.remove('shop', 'plan.md')).toMatchObject({ id: first.id, path: 'plan.md' })
  expect(await files.list('shop')).toEqual({ files: [], total: 0 })
  const told = (await files.history('shop')).map(({ path, action, sha256, actor }) => [
    path,
    action,
    sha256,
    actor,
  ])
  expect(told).toEqual([
    ['plan.md', 'removed', null, 'tester'],
    ['plan.md', 'moved', sha256('# Plan B'), 'tester'],
    ['docs/plan.md', 'removed', null, 'tester'],
    ['docs/plan.md', 'changed', sha256('# Plan B'), 'tester'],
    ['docs/plan.md', 'added', sha256('# Plan'), 'tester'],
  ])
  const audited = (await latchkey.audit.list({ limit: 4 })).map(({ action, target }) => [action, target.name])
  expect(audited).toEqual([
    ['project.file-remove', 'shop'],
    ['project.file-move', 'shop'],
    ['project.file-put', 'shop'],
    ['project.file-put', 'shop'],
  ])
})

test.each([
  ['', 'blank'],
  [' ', 'blank'],
  ['/etc/passwd', 'begin with /'],
  ['../secrets', 'as a folder'],
  ['a/../../b', 'as a folder'],
  ['a/./b', 'as a folder'],
  ['a//b', 'or end with /'],
  ['a/', 'or end with /'],
  ['..\\b', 'Windows'],
  ['C:/b', 'Windows'],
  ['a:stream', 'Windows'],
  ['CON', 'device'],
  ['docs/nul.txt', 'device'],
  ['docs/NUL .txt', 'device'],
  ['com1/a', 'device'],
  ['LPT¹', 'device'],
  ['a.', 'dot or a space'],
  ['a /b', 'dot or a space'],
  ['a\nb', 'control'],
  ['a\0b', 'control'],
  ['a\u0085b', 'control'],
  ['a\ud800', 'Unicode'],
  ['ä'.repeat(513), '1,024 bytes'],
])('%j is no path', async (path, why) => {
  const { files } = await home()
  expect(await codeOf(files.put('shop', path, 'x'))).toBe('invalid')
  expect(String(await files.put('shop', path, 'x').catch(error => error.message))).toContain(why)
  expect(await codeOf(files.putMany('shop', [{ path, content: 'x' }]))).toBe('invalid')
  expect((await files.list('shop')).total).toBe(0)
})

test('a path is one whatever its encoding, and belongs to one file of each project', async () => {
  const { files } = await home()
  const { id } = await files.put('shop', 'cafe\u0301/[id].tsx', 'a')
  expect(await files.put('shop', 'caf\u00e9/[id].tsx', 'b')).toMatchObject({ id, path: 'caf\u00e9/[id].tsx' })
  expect(await files.get('shop', 'cafe\u0301/[id].tsx')).toMatchObject({ id })
  expect((await files.put('blog', 'caf\u00e9/[id].tsx', 'c')).id).not.toBe(id)
  await files.put('shop', 'other', 'd')
  expect(await codeOf(files.move('shop', 'other', 'caf\u00e9/[id].tsx'))).toBe('conflict')
  expect(
    await codeOf(
      files.putMany('shop', [
        { path: 'é', content: '' },
        { path: 'e\u0301', content: '' },
      ]),
    ),
  ).toBe('invalid')
})

test('what changed since it was read is a conflict', async () => {
  const { files } = await home()
  const { sha256: first } = await files.put('shop', 'a', '1')
  await files.put('shop', 'a', '2', { ifMatch: first })
  expect(await codeOf(files.put('shop', 'a', '3', { ifMatch: first }))).toBe('conflict')
  expect(await codeOf(files.put('shop', 'new', '3', { ifMatch: first }))).toBe('conflict')
  expect(await codeOf(files.move('shop', 'a', 'b', { ifMatch: first }))).toBe('conflict')
  expect(await codeOf(files.remove('shop', 'a', { ifMatch: first }))).toBe('conflict')
  expect(await textOf(files, 'a')).toBe('2')
  const both = await Promise.allSettled(
    ['3', '4'].map(text => files.put('shop', 'a', text, { ifMatch: sha256('2') })),
  )
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('any bytes come back as they were, each content is stored once, and what no file has is removed', async () => {
  const { files, query, latchkey } = await home()
  const bytes = crypto.getRandomValues(new Uint8Array(65_536))
  const some = new Uint8Array(3 * 1024 * 1024).map((_, at) => bytes[at % 60_000]! ^ (at >> 16))
  async function* parts() {
    for (let at = 0; at < some.length; at += 100_000) yield some.subarray(at, at + 100_000)
  }
  const { sizeBytes, sha256: digest } = await files.put('shop', 'a.bin', parts())
  expect([sizeBytes, digest]).toEqual([some.length, sha256(some)])
  await files.put('blog', 'b.bin', some)
  await files.put('shop', 'empty', '')
  expect(await stored(query, 'file_contents')).toBe(2)
  const back = await new Response((await files.open('shop', 'a.bin')).content).bytes()
  expect(sha256(back)).toBe(digest)
  expect(await textOf(files, 'empty')).toBe('')
  expect((await files.get('shop', 'a.bin')).mediaType).toBe('application/octet-stream')
  expect((await files.get('shop', 'empty')).mediaType).toBe('text/plain')
  await files.remove('shop', 'a.bin')
  await latchkey.database.optimize()
  expect(await stored(query, 'file_contents')).toBe(2)
  await latchkey.projects.delete('blog')
  expect((await made!.dry.database.optimize()).statements).toContainEqual(
    expect.stringContaining('file_contents'),
  )
  expect(await stored(query, 'file_contents')).toBe(2)
  await latchkey.database.optimize()
  expect(await stored(query, 'file_contents')).toBe(1)
  expect(await textOf(files, 'empty')).toBe('')
})

test('at most 16 MiB are read of what is written', async () => {
  const { files } = await home()
  let read = 0
  async function* endless() {
    for (;;) {
      read += 1024 * 1024
      yield new Uint8Array(1024 * 1024)
    }
  }
  expect(await codeOf(files.put('shop', 'a', endless()))).toBe('invalid')
  expect(read).toBe(17 * 1024 * 1024)
  expect(await codeOf(files.put('shop', 'a', new Uint8Array(16 * 1024 * 1024 + 1)))).toBe('invalid')
  expect(await files.put('shop', 'a', new Uint8Array(16 * 1024 * 1024))).toMatchObject({ outcome: 'added' })
})

test('a content that was damaged is noticed at its end', async () => {
  const { files, query } = await home()
  await files.put('shop', 'a', 'one')
  await files.put('shop', 'b', 'two')
  await query(
    `UPDATE file_contents SET bytes = (SELECT bytes FROM file_contents WHERE sha256 = '${sha256('two')}') WHERE sha256 = '${sha256('one')}'`,
  )
  expect(await codeOf(textOf(files, 'a'))).toBe('corrupt')
  expect(await textOf(files, 'b')).toBe('two')
})

test('ten thousand files are written in one transaction, with one audit row, and listed by pages', async () => {
  const { files, latchkey, query } = await home()
  const many = Array.from({ length: 10_000 }, (_, n) => ({
    path: `src/${String(n).padStart(5, '0')}.ts`,
    content: `export const n = ${n % 5_000}\n`,
  }))
  const before = await stored(query, 'audit')
  expect(await files.putMany('shop', many)).toMatchObject({ changed: [], removed: [], unchanged: 0 })
  expect(await stored(query, 'audit')).toBe(before + 1)
  expect(await stored(query, 'file_contents')).toBe(5_000)
  const again = many.map((file, n) => (n < 10 ? { ...file, content: 'changed' } : file))
  const changed = await files.putMany('shop', again)
  expect([changed.changed.length, changed.unchanged, changed.bytes]).toEqual([10, 9_990, 70])
  const paths: string[] = []
  for (let after: string | undefined; ; ) {
    const { files: page, total } = await files.list('shop', { limit: 3_000, ...(after && { after }) })
    expect(total).toBe(10_000)
    paths.push(...page.map(file => file.path))
    if (page.length < 3_000) break
    after = page.at(-1)!.path
  }
  expect(paths).toEqual(many.map(({ path }) => path))
  expect((await Array.fromAsync(files.stream('shop'))).map(({ path }) => path)).toEqual(paths)
  await files.put('shop', 'src0', 'x')
  await files.put('shop', 'sr/c', 'x')
  expect((await files.list('shop', { under: 'src', limit: 1 })).total).toBe(10_000)
  const [latest, next] = await files.history('shop', { limit: 2 })
  expect((await files.history('shop', { limit: 1, after: latest!.id }))[0]).toEqual(next!)
  expect((await files.removeAll('shop')).removed).toHaveLength(10_002)
  expect(await latchkey.audit.list({ limit: 1 })).toMatchObject([
    { action: 'project.file-sync', after: { added: 0, changed: 0, removed: 10_002, bytes: 0 } },
  ])
})

test('a failure in the middle of many files writes none of them', async () => {
  const { files, query } = await home()
  function* some() {
    yield { path: 'a', content: 'a' }
    throw new Error('the source is gone')
  }
  await expect(files.putMany('shop', some())).rejects.toThrow('the source is gone')
  expect(await stored(query, 'project_files')).toBe(0)
  expect(await stored(query, 'file_contents')).toBe(0)
})

const source = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).map(([path, content]) => ({
    path,
    sha256: sha256(content),
    sizeBytes: content.length,
    read: () => content,
  }))

test('a sync adds and changes, removes only where it is told to, and reads what differs alone', async () => {
  const { files, dry, latchkey } = await home()
  await files.putMany('shop', [
    { path: 'same', content: 's' },
    { path: 'old/gone', content: 'g' },
    { path: 'other', content: 'o' },
  ])
  const read: string[] = []
  const folder = [
    ...source({ new: 'n', other: 'O' }).map(file => ({
      ...file,
      read: () => {
        read.push(file.path)
        return file.read()
      },
    })),
    { path: 'same', sha256: sha256('s'), sizeBytes: 1, read: () => expect.unreachable() },
  ]
  const change = { added: ['new'], changed: ['other'], unchanged: 1, bytes: 2 }
  expect(await files.planSync('shop', folder)).toMatchObject({ ...change, removed: [] })
  expect(read).toEqual([])
  expect(await dry.files.sync('shop', folder)).toMatchObject({ ...change, removed: [] })
  expect((await files.list('shop')).total).toBe(3)
  expect(await files.sync('shop', folder)).toMatchObject({ ...change, removed: [] })
  expect(read).toEqual(['new', 'other', 'new', 'other'])
  expect(await codeOf(files.sync('shop', folder, { delete: true, ifChanges: [] }))).toBe('conflict')
  expect(await files.sync('shop', [], { delete: true, under: 'old' })).toMatchObject({
    removed: ['old/gone'],
  })
  expect(await codeOf(files.sync('shop', folder, { under: 'old' }))).toBe('invalid')
  const { total } = await files.list('shop')
  const count = (await latchkey.audit.list({ action: 'project.file-sync' })).length
  expect(await files.sync('shop', folder, { delete: true })).toMatchObject({
    removed: [],
    unchanged: 3,
    bytes: 0,
  })
  expect((await latchkey.audit.list({ action: 'project.file-sync' })).length).toBe(count)
  expect(total).toBe(3)
})

test('a sync whose source changes while it is read changes nothing', async () => {
  const { files } = await home()
  const folder = source({ a: 'a', b: 'b' }).map(file => ({
    ...file,
    read: () => (file.path === 'b' ? 'B' : 'a'),
  }))
  expect(await codeOf(files.sync('shop', folder))).toBe('conflict')
  expect((await files.list('shop')).total).toBe(0)
})

test('of many files the one with a bad path is named, and what to do about it', async () => {
  const { files } = await home()
  const source = ['ok.md', 'a:b'].map(path => ({ path, sha256: sha256('x'), sizeBytes: 1, read: () => 'x' }))
  for (const work of [files.sync('shop', source), files.planSync('shop', source)])
    expect(await failure(work)).toMatchObject({
      code: 'invalid',
      message: 'path: "a:b" must not contain \\ or :, which mean something else on Windows',
      hint: 'rename it, or leave it out with --exclude',
    })
  const many = source.map(({ path }) => ({ path, content: 'x' }))
  expect((await failure(files.putMany('shop', many))).message).toStartWith('path: "a:b" must not')
})

test('nobody is told to remove the file that they move, nor to get one that is not there', async () => {
  const { files } = await home()
  await files.put('shop', 'a.md', 'x')
  expect(await failure(files.move('shop', 'a.md', 'a.md'))).toMatchObject({
    code: 'conflict',
    message: 'a.md has this path already',
    hint: 'give another path',
  })
  expect(await failure(files.put('shop', 'b.md', 'x', { ifMatch: sha256('x') }))).toMatchObject({
    code: 'conflict',
    hint: 'see its files with: latchkey project file list shop',
  })
})
