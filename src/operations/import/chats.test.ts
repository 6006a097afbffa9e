// Runs on PostgreSQL too.
/** Chats that ccluster has: taken over with their messages, once, and taken back. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '../../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'

const at = (minute: number) => `2026-01-18T10:${String(minute).padStart(2, '0')}:00.000Z`
const text = (said: string) => JSON.stringify([{ type: 'text', text: said }])

type Values = readonly (string | null)[]

/** As ccluster itself makes it (packages/db/src/sql/sqlite-repository.ts at 03eaeaf). */
const tables = {
  users:
    'id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL',
  api_keys:
    'id TEXT PRIMARY KEY, user_id TEXT NOT NULL, key_hash TEXT NOT NULL UNIQUE, key_prefix TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL, last_used_at TEXT, revoked_at TEXT',
  chats:
    "id TEXT PRIMARY KEY, title TEXT NOT NULL, session_id TEXT, user_id TEXT NOT NULL DEFAULT 'system', created_at TEXT NOT NULL, updated_at TEXT NOT NULL",
  messages:
    'id TEXT PRIMARY KEY, chat_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, created_at TEXT NOT NULL, metadata TEXT',
}
const hash = '$2b$10$CwTycUXWue0Thq9StjUM0uJ8DbSdG0vUVhSjz5n5Z5Z5Z5Z5Z5Z5a'

const chats: readonly Values[] = [
  ['c1', 'Holiday', 's1', 'u1', at(0), at(9)],
  ['c2', ' A\ntitle ', null, 'u1', at(1), at(1)],
  ['c3', 'Nobody', null, 'system', at(2), at(2)],
]
const messages: readonly Values[] = [
  ['m2', 'c1', 'assistant', text('the old town'), at(4), '{"tokens":7}'],
  ['m1', 'c1', 'user', text('where to?'), at(3), null],
  ['m3', 'c3', 'user', text('lost'), at(3), null],
  ['m4', 'gone', 'user', text('lost'), at(3), null],
]

function source(
  { folder }: TestLatchkey,
  rows: { keys?: readonly Values[]; chats?: readonly Values[]; messages?: readonly Values[] } = {},
) {
  const file = join(folder, 'ccluster.db')
  rmSync(file, { force: true })
  const db = new Database(file)
  for (const [name, columns] of Object.entries(tables)) db.run(`CREATE TABLE ${name} (${columns})`)
  db.run('INSERT INTO users VALUES (?, ?, ?, ?, ?)', ['u1', 'grace', hash, at(0), at(0)])
  for (const row of rows.keys ?? [])
    db.run("INSERT INTO api_keys VALUES (?, 'u1', ?, 'cck_', 'ci', ?, NULL, NULL)", [...row])
  for (const row of rows.chats ?? chats) db.run('INSERT INTO chats VALUES (?, ?, ?, ?, ?, ?)', [...row])
  for (const row of rows.messages ?? messages)
    db.run('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)', [...row])
  db.close()
  return { file }
}

test('chats come with their messages in order, to the user that they are of', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const report = await latchkey.imports.ccluster(source(home))
  expect(report).toMatchObject({ created: 3, refused: 1, leftBehind: [], ignoredFields: [] })
  expect(report.notes).toEqual(['not imported, because they belong to no chat: 1 message'])
  expect(report.items.map(({ type, name, outcome, reason }) => [type, name, outcome, reason])).toEqual([
    ['user', 'grace', 'created', null],
    ['chat', 'Holiday', 'created', 'belongs to grace, 2 messages'],
    ['chat', 'A title', 'created', 'belongs to grace, 0 messages'],
    ['chat', 'Nobody', 'refused', 'its user is not in the source'],
  ])
  expect((await latchkey.chats.list({ user: 'grace' })).chats).toMatchObject([
    {
      title: 'Holiday',
      sessionId: 's1',
      messages: 2,
      createdAt: new Date(at(0)),
      updatedAt: new Date(at(9)),
    },
    { title: 'A title', sessionId: null, messages: 0 },
  ])
  expect((await latchkey.chats.messages('Holiday')).messages).toMatchObject([
    {
      position: 1,
      role: 'user',
      content: JSON.parse(text('where to?')),
      metadata: null,
      createdAt: new Date(at(3)),
    },
    { position: 2, role: 'assistant', metadata: { tokens: 7 }, createdAt: new Date(at(4)) },
  ])
  expect(await latchkey.chats.search('"old town"')).toHaveLength(1)
  const rows = await latchkey.audit.list({ action: 'chat.import' })
  expect(rows.map(({ target }) => target.name).sort()).toEqual(['A title', 'Holiday'])
  expect(JSON.stringify(rows)).not.toContain('old town')
})

test('a chat comes once, and what was said there since stays there', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.imports.ccluster(source(home))
  const before = await latchkey.chats.list()
  const more = source(home, { messages: [...messages, ['m9', 'c1', 'user', text('more'), at(10), null]] })
  const { items, created, unchanged } = await latchkey.imports.ccluster(more)
  expect({ created, unchanged }).toEqual({ created: 0, unchanged: 3 })
  expect(items).toContainEqual({
    type: 'chat',
    name: 'Holiday',
    outcome: 'unchanged',
    reason: 'imported before; 1 newer message left there',
  })
  expect(await latchkey.chats.list()).toEqual(before)
})

test('a chat that was deleted here does not come back, until the import is undone', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, query } = home
  // Who was here before stays after the undo.
  await latchkey.users.create({ username: 'grace' })
  const { id } = await latchkey.imports.ccluster(source(home))
  await latchkey.chats.delete('Holiday')
  await latchkey.chats.prune({ search: 'title' })
  const again = await latchkey.imports.ccluster(source(home))
  expect(again).toMatchObject({ created: 0, unchanged: 3, refused: 1 })
  expect(again.items.filter(({ type, outcome }) => type === 'chat' && outcome === 'unchanged')).toEqual(
    ['Holiday', 'A title'].map(name => ({
      type: 'chat',
      name,
      outcome: 'unchanged',
      reason: 'deleted here since it was imported',
    })),
  )
  expect((await latchkey.chats.list()).total).toBe(0)
  expect(await latchkey.imports.undo(id!)).toMatchObject({ removed: 0, reverted: 1, gone: 2, kept: 0 })
  expect(await query('SELECT * FROM imported_rows')).toEqual([])
  expect((await latchkey.imports.ccluster(source(home))).created).toBe(2)
})

test('a chat that an undo kept is not imported a second time, even if it is deleted then', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.imports.ccluster(source(home))
  await latchkey.chats.append('Holiday', { role: 'user', content: 'said here' })
  await latchkey.imports.undo(id!, { keepChanged: true })
  await latchkey.chats.delete('Holiday')
  const { items } = await latchkey.imports.ccluster(source(home))
  expect(items.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['grace', 'unchanged'],
    ['Holiday', 'unchanged'],
    ['A title', 'created'],
    ['Nobody', 'refused'],
  ])
})

test('nothing is kept of the chats of somebody who was erased', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, query } = home
  await latchkey.imports.ccluster(source(home))
  await latchkey.chats.delete('Holiday')
  await latchkey.users.erase('grace')
  expect(await query('SELECT * FROM imported_rows')).toEqual([])
})

test.each<[string, Values, string]>([
  [
    'role',
    ['m1', 'c1', 'robot', text('x'), at(1), null],
    'the role of message 1 must be one of user, assistant, system, tool',
  ],
  [
    'content',
    ['m1', 'c1', 'user', 'null', at(1), null],
    'the content of message 1 must be JSON, and not null',
  ],
  ['time', ['m1', 'c1', 'user', text('x'), 'yesterday', null], 'the created_at of message 1 is not a date'],
])(
  'a chat with a message whose %s cannot be stored is refused, and the others come',
  async (_, message, reason) => {
    await using home = await temporaryLatchkey()
    const report = await home.latchkey.imports.ccluster(source(home, { messages: [message] }))
    expect(report.items).toContainEqual({ type: 'chat', name: 'Holiday', outcome: 'refused', reason })
    expect((await home.latchkey.chats.list()).chats.map(({ title }) => title)).toEqual(['A title'])
  },
)

test('an undo takes the chats back with their user, and a dry run says so', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, dry } = home
  const { id } = await latchkey.imports.ccluster(source(home))
  const said = await dry.imports.undo(id!)
  expect((await latchkey.chats.list()).total).toBe(2)
  const undo = await latchkey.imports.undo(id!)
  expect(undo).toEqual(said)
  expect(undo).toMatchObject({ removed: 3, kept: 0 })
  expect((await latchkey.chats.list()).total).toBe(0)
  expect(await latchkey.users.list()).toEqual([])
  expect(await latchkey.audit.list({ action: 'chat.undo-import' })).toHaveLength(2)
  expect((await latchkey.imports.ccluster(source(home))).created).toBe(3)
})

test('a chat that was changed here since is not taken back silently, and its user stays with it', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.imports.ccluster(source(home))
  await latchkey.chats.append('Holiday', { role: 'user', content: 'said here' })
  const refused = await failure(latchkey.imports.undo(id!))
  expect(refused).toMatchObject({ code: 'conflict' })
  expect(refused.message).toContain('chat Holiday (changed here since)')
  expect((await latchkey.chats.list()).total).toBe(2)
  expect(await latchkey.imports.undo(id!, { keepChanged: true })).toMatchObject({ removed: 1, kept: 2 })
  expect((await latchkey.chats.list()).chats.map(({ title }) => title)).toEqual(['Holiday'])
  expect((await latchkey.users.list()).map(({ username }) => username)).toEqual(['grace'])
})

test('a user who was given a chat here since stays when the import is undone', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { id } = await latchkey.imports.ccluster(source(home, { chats: [], messages: [] }))
  await latchkey.chats.create({ user: 'grace', title: 'Here' })
  expect((await failure(latchkey.imports.undo(id!))).message).toContain('user grace (a chat belongs to it)')
})

test('a secret of a key is not stored as the title of a chat', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const secret = `cck_${'ab'.repeat(20)}`
  const hash = new Bun.CryptoHasher('sha256').update(secret).digest('hex')
  const { items } = await latchkey.imports.ccluster(
    source(home, {
      keys: [['k1', hash, at(0)]],
      chats: [['c1', `key ${secret}`, secret, 'u1', at(0), at(9)]],
    }),
  )
  expect(items.filter(({ type }) => type === 'chat')).toEqual([
    {
      type: 'chat',
      name: 'New Chat',
      outcome: 'created',
      reason:
        'belongs to grace, 2 messages; its title holds a secret, and is left out; its session id holds a secret, and is left out',
    },
  ])
  expect((await latchkey.keys.verify(secret)).valid).toBe(true)
  expect(await home.dump()).not.toContain(secret)
})
