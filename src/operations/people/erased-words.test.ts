// Runs on PostgreSQL too.
/** Every text that the schema can keep of a person is filled with their words, and no table has one after they are erased. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'
import type { ImportItem } from '../../contract/views.ts'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { references, schemaTables } from '../../testing/deleting.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { insertRow } from '../../testing/rows.ts'

/** Columns that hold words of a person without a reference to them: the scene has to fill each. */
const named = [
  'audit.actor',
  'audit.after',
  'audit.before',
  'audit.target_name',
  'departed.name',
  'file_history.actor',
  'import_changes.after',
  'import_changes.before',
  'imported_rows.before',
  'imports.report',
  'invitations.email',
  'verifications.identifier',
]

/** Columns that tell of no user: names of other things, what projects contain, and words of the program. */
const ofOthers = [
  'agent_files.path',
  'agent_messages.content',
  'agent_phases.description',
  'agent_phases.files',
  'agent_phases.name',
  'agent_states.current_phase',
  'agent_states.current_state',
  'agent_states.preview_url',
  'audit.action',
  'audit.hash',
  'audit.previous',
  'audit.salt',
  'audit.target_type',
  'counted_files.sha256',
  'file_contents.sha256',
  'file_history.path',
  'file_history.previous_path',
  'file_history.sha256',
  'imported_files.source',
  'imported_files.state',
  'imported_projects.source',
  'imported_projects.state',
  'imports.source',
  'invitations.role',
  'invitations.token_hash',
  'models.name',
  'organizations.logo',
  'organizations.metadata',
  'organizations.name',
  'organizations.slug',
  'prices.model',
  'prices.source',
  'project_files.media_type',
  'project_files.path',
  'projects.description',
  'projects.key_prefix',
  'projects.name',
  'projects.preview_url',
  'projects.slug',
  'roles.name',
  'roles.permissions',
  // Whom a gateway serves with a key; these are no users.
  'series.end_user',
  'teams.name',
  // Stored as a hash, of what somebody confirms.
  'verifications.value',
]

/** Of rows that refer to the person, what has a form that no word fits, and what an erased key needs. */
const unfit = ['denials.code', 'limits.time_zone', 'secrets.hash', 'secrets.start', 'sessions.token_hash']

/** Rows that name the person, and are for others. */
const forOthers = ['projects.owner_id', 'invitations.inviter_id']

const word = 'zora'

/** Texts with the word, of the forms that columns may ask for. */
const texts = [
  `{"${word}":"${word} liddell"}`,
  `["${word} liddell"]`,
  `${word} liddell`,
  `${word}@liddell.example`,
]

const textColumns = (name: string): readonly string[] => {
  const table = schemaTables.get(name)
  if (table === undefined) throw new Error(`the schema has no table ${name}`)
  const { columns, foreignKeys } = getTableConfig(table)
  const referring = foreignKeys.flatMap(key => key.reference().columns.map(column => column.name))
  return columns
    .filter(column => column.getSQLType() === 'text' && !column.enumValues?.length)
    .map(column => column.name)
    .filter(column => column !== 'id' && !referring.includes(column))
}

/** All of them, but ids. */
const columnsOfSchema = [...schemaTables.keys()]
  .flatMap(table => textColumns(table).map(column => `${table}.${column}`))
  .filter(column => !/_ids?$/.test(column))
  .sort()

/** Columns of all tables that have the word somewhere. */
async function holding({ query }: Pick<TestLatchkey, 'query'>): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const name of schemaTables.keys()) {
    for (const row of await query<object>(`SELECT * FROM "${name}"`))
      for (const [column, value] of Object.entries(row))
        if (typeof value === 'string' && value.toLowerCase().includes(word)) found.add(`${name}.${column}`)
  }
  return [...found].sort()
}

function ccluster(folder: string): string {
  const file = join(folder, 'ccluster.db')
  using db = new Database(file)
  const [at, hash] = [
    '2026-01-18T10:00:00.000Z',
    '$2b$10$CwTycUXWue0Thq9StjUM0uJ8DbSdG0vUVhSjz5n5Z5Z5Z5Z5Z5Z5a',
  ]
  db.run('CREATE TABLE users (id TEXT, username TEXT, password_hash TEXT, created_at TEXT, updated_at TEXT)')
  db.run(
    'CREATE TABLE api_keys (id TEXT, user_id TEXT, key_hash TEXT, key_prefix TEXT, name TEXT, created_at TEXT, last_used_at TEXT, revoked_at TEXT)',
  )
  db.run(
    'CREATE TABLE chats (id TEXT, user_id TEXT, title TEXT, session_id TEXT, created_at TEXT, updated_at TEXT)',
  )
  db.run(
    'CREATE TABLE messages (id TEXT, chat_id TEXT, role TEXT, content TEXT, created_at TEXT, metadata TEXT)',
  )
  for (const [id, username] of [
    ['u1', 'zora'],
    ['u2', 'dan'],
  ] as const) {
    db.run('INSERT INTO users VALUES (?, ?, ?, ?, ?)', [id, username, hash, at, at])
    for (const [n, what] of ['laptop', 'phone'].entries()) {
      const secret = `${id}${n}`.padStart(64, '0').replace('u', 'a')
      db.run('INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)', [
        `${id}${n}`,
        id,
        secret,
        'cck_abc',
        `${username} ${what}`,
        at,
      ])
    }
    db.run('INSERT INTO chats VALUES (?, ?, ?, NULL, ?, ?)', [id, id, 'Plans', at, at])
    db.run('INSERT INTO messages VALUES (?, ?, ?, ?, ?, NULL)', [id, id, 'user', `"of ${username}"`, at])
  }
  return file
}

/** Somebody who was renamed, whose keys and chats were deleted, and of whom every column that refers to them has a word. */
async function scene() {
  const home = await temporaryLatchkey()
  const { latchkey, query, path, clock } = home
  const { users, keys, chats, organizations, invitations, projects, usage, imports } = latchkey
  const source = { file: ccluster(home.folder) }
  await imports.ccluster(source)
  const { id } = await users.get('zora')
  for (const username of ['bob', 'carl']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'bob' })
  await organizations.create({ name: 'Acme', owner: 'bob' })
  const itself = connectLatchkey({ path, now: () => clock.now, actor: { name: 'zora', origin: 'terminal' } })
  await itself.files.put('shop', 'plan.md', 'x')
  await itself.close()
  // What somebody gave to them names them by the name of the time.
  await projects.create({ name: 'Lab', owner: 'carl' })
  await users.offboard('carl', { to: 'zora' })
  await projects.transfer('lab', { user: 'bob' })
  for (const email of ['zora.old@liddell.example', 'zora@liddell.example']) {
    await users.update('zora', { email })
    await invitations.create({ org: 'acme', email })
  }
  await users.update('zora', { username: 'zora2', name: 'Zora Liddell' })
  await usage.record('zora phone', { model: 'gpt-x', inputTokens: 7 })
  await keys.update('zora phone', { name: 'zora liddells phone' })
  await keys.disable('zora liddells phone')
  await keys.delete('zora liddells phone')
  const { id: chat } = await chats.create({ user: id, title: 'Zora in court' })
  await chats.rename(chat, 'Divorce of Zora')
  await chats.append(chat, { role: 'user', content: 'Zora says' })
  await chats.delete(chat)
  const [key] = await query<{ id: string }>(`SELECT id FROM keys WHERE user_id = '${id}'`)
  const [said] = await query<{ id: string }>(`SELECT id FROM chats WHERE user_id = '${id}'`)
  const parents: Readonly<Record<string, string>> = { users: id, keys: key?.id ?? '', chats: said?.id ?? '' }
  /** With the first text that the column takes. */
  const fill = async (table: string, where: string) => {
    for (const column of textColumns(table)) {
      if (unfit.includes(`${table}.${column}`)) continue
      for (const text of texts) {
        const set = `UPDATE "${table}" SET "${column}" = '${text}' WHERE ${where}`
        const isTaken = await query(set).then(
          () => true,
          () => false,
        )
        if (isTaken) break
      }
    }
  }
  for (const { parent, child } of references) {
    const of = parents[parent]
    if (of === undefined || forOthers.includes(child)) continue
    const [table = '', column = ''] = child.split('.')
    const where = `"${column}" = '${of}'`
    if ((await query(`SELECT 1 FROM "${table}" WHERE ${where}`)).length === 0)
      await insertRow(home, table, { [column]: of })
    await fill(table, where)
  }
  await query(
    `UPDATE users SET image = 'zora', disabled_reason = 'zora', additional_fields = '{"zora":1}' WHERE id = '${id}'`,
  )
  await query(`UPDATE keys SET revoked_at = 1, revoked_reason = 'zora' WHERE id = '${key?.id}'`)
  await query(
    `UPDATE import_changes SET before = '{"snapshot":{"name":"zora"}}' WHERE target_id = '${key?.id}'`,
  )
  const [invitation] = await query<{ id: string }>("SELECT id FROM invitations WHERE email LIKE 'zora%'")
  await insertRow(home, 'imported_rows', {
    type: 'invitation',
    target_id: invitation?.id ?? '',
    before: '{"email":"zora@liddell.example"}',
  })
  await insertRow(home, 'verifications', { identifier: 'change-email-otp-zora.old@liddell.example' })
  return { ...home, id, key: key?.id ?? '', source, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
}

test('nothing that the schema can keep of a person is left when they are erased', async () => {
  await using there = await scene()
  const { latchkey, id, key, query } = there
  const before = await holding(there)
  expect(columnsOfSchema.filter(column => !before.includes(column))).toEqual([...ofOthers, ...unfit].sort())
  expect(named.filter(column => !before.includes(column))).toEqual([])
  expect(await latchkey.users.erase(id)).toMatchObject({ id, keys: 1, chats: 1 })
  expect(await holding(there)).toEqual([])
  expect(await latchkey.audit.verify()).toMatchObject({ ok: true })
  // What was said of others is still there.
  const [{ report } = { report: '' }] = await query<{ report: string }>(
    "SELECT report FROM imports WHERE source = 'ccluster' ORDER BY id LIMIT 1",
  )
  const { items } = JSON.parse(report) as { items: readonly ImportItem[] }
  expect(items.map(({ type, name, reason }) => [type, name, reason])).toEqual([
    ['user', 'erased', null],
    ['user', 'dan', null],
    ['key', 'erased', null],
    ['key', 'erased', null],
    ['key', 'dan laptop', null],
    ['key', 'dan phone', null],
    ['chat', 'erased', null],
    ['chat', 'Plans', 'belongs to dan, 1 message'],
  ])
  expect((await latchkey.audit.list({ target: 'carl' })).map(({ action }) => action)).toContain('user.create')
  // The next import brings neither the name of the key nor a key that was deleted.
  await latchkey.imports.ccluster(there.source)
  expect(await latchkey.keys.get(key)).toMatchObject({
    name: expect.stringMatching(/^erased-/),
    status: 'revoked',
  })
  expect((await latchkey.keys.list()).map(({ name }) => name).sort()).toEqual([
    'dan laptop',
    'dan phone',
    expect.stringMatching(/^erased-/),
  ])
})

test('a name that somebody else has now is taken only out of what was written before', async () => {
  await using there = await temporaryLatchkey()
  const { latchkey, clock, path, query } = there
  const { users, projects, organizations, invitations, audit } = latchkey
  const { id } = await users.create({ username: 'zora', email: 'zora@liddell.example' })
  for (const username of ['bob', 'carl']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'bob' })
  for (const name of ['Acme', 'Guild']) await organizations.create({ name, owner: 'bob' })
  await using both = new AsyncDisposableStack()
  const itself = connectLatchkey({ path, now: () => clock.now, actor: { name: 'zora', origin: 'terminal' } })
  both.defer(() => itself.close())
  const step = () => {
    clock.now = new Date(clock.now.getTime() + 60_000)
  }
  const work = async (file: string, org: string) => {
    await itself.files.put('shop', file, 'x')
    await invitations.create({ org, email: 'zora@liddell.example' })
    step()
  }
  await work('first.md', 'acme')
  await users.update(id, { username: 'zora-smith', email: 'smith@liddell.example' })
  step()
  const other = await users.create({ username: 'zora', email: 'zora@liddell.example' })
  await projects.create({ name: 'Lab', owner: 'carl' })
  await users.offboard('carl', { to: 'zora' })
  await work('second.md', 'guild')
  await users.erase(id)
  const history = await query('SELECT path, actor FROM file_history ORDER BY id')
  expect(history).toEqual([
    { path: 'first.md', actor: 'erased' },
    { path: 'second.md', actor: 'zora' },
  ])
  const puts = await audit.list({ action: 'project.file-put' })
  expect(puts.map(({ actor }) => actor)).toEqual(['zora', 'erased'])
  expect((await audit.list({ target: other.id })).at(-1)).toMatchObject({
    action: 'user.create',
    after: { username: 'zora' },
  })
  const given = await audit.list({ action: 'user.offboard', target: 'carl' })
  expect(given).toMatchObject([{ after: { to: 'zora' } }])
  const { invitations: left } = await invitations.list()
  expect(left.map(({ organization, email }) => [organization.slug, email])).toEqual([
    ['guild', 'zora@liddell.example'],
  ])
  expect(await audit.verify()).toMatchObject({ ok: true })
})

test('a user who is called like a role or a status takes nothing of others along', async () => {
  await using there = await temporaryLatchkey()
  const { users, projects, audit } = there.latchkey
  for (const username of ['admin', 'active']) await users.create({ username })
  const { id: ada } = await users.create({ username: 'ada', role: 'admin' })
  await users.create({ username: 'carl' })
  await projects.create({ name: 'Shop', owner: 'carl' })
  await users.offboard('carl', { to: 'admin' })
  await projects.transfer('shop', { user: 'ada' })
  for (const username of ['admin', 'active']) await users.erase(username)
  const made = await audit.list({ action: 'user.create' })
  expect(made.filter(({ after }) => after !== null).map(({ target }) => target.name)).toEqual(['carl', 'ada'])
  expect((await audit.list({ target: ada })).at(-1)).toMatchObject({
    after: { role: 'admin', status: 'active' },
  })
  // The row that names them as whoever got everything is theirs too.
  const given = await audit.list({ action: 'user.offboard' })
  expect(given.map(({ before, after }) => [before, after])).toEqual([
    [null, null],
    [null, null],
  ])
})

test('what somebody else has now, or had to the end, keeps its rows in the audit log', async () => {
  await using there = await temporaryLatchkey()
  const { users, keys, audit } = there.latchkey
  const { id } = await users.create({ username: 'zora' })
  await users.create({ username: 'bob' })
  for (const name of ['kept', 'gone']) {
    await keys.create({ name, user: 'zora' })
    await keys.update(name, { user: 'bob' })
    await keys.disable(name)
  }
  await keys.delete('gone')
  await users.erase(id)
  const told = async (name: string) => (await audit.list({ target: name })).map(({ action }) => action)
  expect(await told('kept')).toEqual(['key.disable'])
  expect(await told('gone')).toEqual(['key.delete', 'key.disable'])
})

/** What an export has of the audit log, as actions and names. */
async function exportedOf(latchkey: Latchkey, selector: string) {
  const rows: { readonly action: string; readonly targetName: string | null }[] = []
  for await (const { of, row } of latchkey.users.export(selector)) if (of === 'audit') rows.push(row as never)
  return rows.map(({ action, targetName }) => `${action} ${targetName}`)
}

test('a username that is a field of the log, or the name of another thing, takes nothing of others along', async () => {
  await using there = await temporaryLatchkey()
  const { users, projects, keys, organizations, audit } = there.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username, email: `${username}@corp.example` })
  await projects.create({ name: 'Web', owner: 'bob', description: 'web' })
  await keys.create({ name: 'ci', user: 'bob', project: 'web' })
  await keys.create({ name: 'web', user: 'bob', metadata: { to: 'web', email: 'web@corp.example' } })
  await keys.update('ci', { user: 'alice' })
  await organizations.create({ name: 'Web', owner: 'bob' })
  await users.offboard('alice', { to: 'bob' })
  const all = await audit.list()
  for (const username of ['email', 'id', 'name', 'username', 'user', 'owner', 'to', 'slug', 'web']) {
    await users.create({ username, email: `${username}@corp.example` })
    expect(await exportedOf(there.latchkey, username)).toEqual([`user.create ${username}`])
    await users.erase(username)
  }
  expect((await audit.list()).slice(-all.length)).toEqual([...all])
})

test('what somebody else said of a user by the id is theirs', async () => {
  await using there = await temporaryLatchkey()
  const { users, keys, audit } = there.latchkey
  const { id } = await users.create({ username: 'zora' })
  await users.create({ username: 'bob' })
  for (const name of ['kept', 'gone'])
    await keys.create({ name, user: 'bob', metadata: { lead: id, userId: id, owner: { id } } })
  for (const name of ['kept', 'gone']) await keys.update(name, { metadata: { lead: id } })
  await keys.disable('gone')
  await keys.delete('gone')
  await users.erase(id)
  const told = async (name: string) => (await audit.list({ target: name })).map(({ action }) => action)
  expect(await told('kept')).toEqual(['key.update', 'key.create'])
  expect(await told('gone')).toEqual(['key.delete', 'key.disable', 'key.update', 'key.create'])
})

test('a name is somebody else’s now, also if the log does not say so', async () => {
  await using there = await temporaryLatchkey()
  const { latchkey, clock, path, query } = there
  for (const username of ['zora', 'carl']) await latchkey.users.create({ username })
  await latchkey.projects.create({ name: 'Shop', owner: 'carl' })
  const { id } = await latchkey.users.update('zora', { username: 'yan' })
  // Another program made the user.
  await insertRow(there, 'users', { username: 'zora' })
  clock.now = new Date(clock.now.getTime() + 60_000)
  const other = connectLatchkey({ path, now: () => clock.now, actor: { name: 'zora', origin: 'terminal' } })
  await other.files.put('shop', 'a.md', 'x')
  await other.close()
  await latchkey.users.erase(id)
  expect(await query('SELECT actor FROM file_history')).toEqual([{ actor: 'zora' }])
})

test('no content keeps a person from being exported and erased', async () => {
  await using there = await temporaryLatchkey()
  const { users, keys, audit } = there.latchkey
  const { id } = await users.create({ username: 'zora', email: 'zora@liddell.example' })
  await users.create({ username: 'bob' })
  await keys.create({
    name: 'ci',
    user: 'zora',
    metadata: { nul: 'a\u0000b', text: '\\u0000', path: '\\ud800' },
  })
  await keys.update('ci', { user: 'bob' })
  for (const action of ['user.update', 'key.update', 'org.invite', 'user.offboard'])
    await insertRow(there, 'audit', {
      action,
      target_type: action.replace(/\..*/, ''),
      after: `{"user":{"id":"${id}","username":"zora"},"to":"zora","email":"zora@liddell.example","text":"\\u0000 \\ud800"}`,
    })
  await users.create({ username: 'carl' })
  expect((await exportedOf(there.latchkey, 'zora')).length).toBe(7)
  await users.erase(id)
  expect((await audit.list()).filter(row => JSON.stringify(row).includes('zora'))).toEqual([])
})

test('whoever has a name now takes nothing of those along who had it before or in between', async () => {
  await using there = await temporaryLatchkey()
  const { latchkey, clock, path, query } = there
  const { users, projects, organizations, invitations, audit } = latchkey
  await users.create({ username: 'carl' })
  await projects.create({ name: 'Shop', owner: 'carl' })
  await using both = new AsyncDisposableStack()
  const itself = connectLatchkey({ path, now: () => clock.now, actor: { name: 'ops', origin: 'terminal' } })
  both.defer(() => itself.close())
  const step = () => {
    clock.now = new Date(clock.now.getTime() + 60_000)
  }
  const email = 'ops@corp.example'
  /** The name is somebody's for a time in which they write a file, are invited, and are given what somebody has. */
  const during = async (username: string) => {
    const { id } =
      (await users.list()).find(user => user.username === username) ?? (await users.create({ username }))
    await users.update(id, { username: 'ops', email })
    step()
    await itself.files.put('shop', `${username}.md`, 'x')
    await insertRow(there, 'imports', {
      at: clock.now.getTime(),
      report: JSON.stringify({ items: [{ type: 'user', name: 'ops', outcome: 'unchanged', reason: null }] }),
    })
    await organizations.create({ name: username, owner: 'carl' })
    await invitations.create({ org: username, email })
    await users.create({ username: `${username}-leaves` })
    await users.offboard(`${username}-leaves`, { to: 'ops' })
    step()
    return async () => {
      await users.update(id, { username, email: null })
      step()
    }
  }
  for (const username of ['first', 'mine', 'between']) await (await during(username))()
  await users.update('mine', { username: 'own' })
  await during('own')
  const { id } = await users.get('ops')
  await users.erase(id)
  const files = await query('SELECT path, actor FROM file_history ORDER BY id')
  expect(files).toEqual([
    { path: 'first.md', actor: 'ops' },
    { path: 'mine.md', actor: 'erased' },
    { path: 'between.md', actor: 'ops' },
    { path: 'own.md', actor: 'erased' },
  ])
  const puts = await audit.list({ action: 'project.file-put' })
  expect(puts.map(({ actor }) => actor)).toEqual(['erased', 'ops', 'erased', 'ops'])
  const imports = await query<{ report: string }>('SELECT report FROM imports ORDER BY at')
  const imported = imports.flatMap(({ report }) =>
    (JSON.parse(report).items as readonly ImportItem[]).map(({ name }) => name),
  )
  expect(imported).toEqual(['ops', 'erased', 'ops', 'erased'])
  for (const [action, names] of [
    ['org.invite', ['between', 'first']],
    ['user.offboard', ['between-leaves', 'first-leaves']],
  ] as const) {
    const left = (await audit.list({ action })).filter(({ after }) => after !== null)
    expect(left.map(({ target }) => target.name)).toEqual([...names])
  }
  const { invitations: left } = await invitations.list()
  expect(left.map(({ organization }) => organization.slug)).toEqual(['first', 'between'])
  for (const username of ['first', 'between'])
    expect((await audit.list({ target: username })).every(({ after }) => after !== null)).toBe(true)
  expect(await audit.verify()).toMatchObject({ ok: true })
})

test('an address that is a part of another takes along nothing that is to be confirmed there', async () => {
  await using there = await temporaryLatchkey()
  const { users } = there.latchkey
  const { id } = await users.create({ username: 'ann', email: 'ann@x.io' })
  const { id: other } = await users.create({ username: 'joann', email: 'joann@x.io' })
  const theirs = ['ann@x.io', 'Sign-in-otp-Ann@x.io', `change-email-otp-${id}:new@x.io`]
  const others = [
    'joann@x.io',
    'ann@x.io.example',
    'email-verification-otp-joann@x.io',
    'sign-in-otp-jo-ann@x.io',
    `change-email-otp-${other}:new@x.io`,
  ]
  for (const identifier of [...theirs, ...others]) await insertRow(there, 'verifications', { identifier })
  const exported: string[] = []
  for await (const { of, row } of users.export('ann'))
    if (of === 'verifications') exported.push((row as { identifier: string }).identifier)
  expect(exported.sort()).toEqual([...theirs].sort())
  await users.erase('ann')
  const left = await there.query<{ identifier: string }>('SELECT identifier FROM verifications')
  expect(left.map(({ identifier }) => identifier).sort()).toEqual([...others].sort())
})

test('who erases themselves is not the actor of the row that says so', async () => {
  await using there = await temporaryLatchkey()
  const { latchkey, path, clock } = there
  for (const username of ['zora', 'yan']) await latchkey.users.create({ username })
  const itself = connectLatchkey({ path, now: () => clock.now, actor: { name: 'Zora', origin: 'terminal' } })
  for (const username of ['yan', 'zora']) await itself.users.erase(username)
  await itself.close()
  const rows = await latchkey.audit.list({ action: 'user.erase' })
  expect(rows.map(({ actor }) => actor)).toEqual(['erased', 'erased'])
  expect(await latchkey.audit.verify()).toMatchObject({ ok: true })
})

test('reports keep the names of deleted keys that were given away, and of no others', async () => {
  for (const isPruned of [false, true]) {
    await using there = await temporaryLatchkey()
    const { users, keys, usage, audit } = there.latchkey
    const { id } = await users.create({ username: 'zora' })
    await users.create({ username: 'bob' })
    for (const name of ['given', 'own']) {
      await keys.create({ name, user: 'zora' })
      await usage.record(name, { model: 'm', inputTokens: 1 })
    }
    await keys.update('given', { user: 'bob' })
    await usage.record('given', { model: 'm', inputTokens: 1 })
    for (const name of ['given', 'own']) {
      await keys.disable(name)
      await keys.delete(name)
    }
    there.clock.now = new Date(there.clock.now.getTime() + 86_400_000)
    if (isPruned) await audit.prune({ before: there.clock.now })
    await users.erase(id)
    const names = await there.query<{ name: string }>("SELECT name FROM departed WHERE id LIKE 'key_%'")
    expect(names.map(({ name }) => name).sort()).toEqual([expect.stringMatching(/^erased-/), 'given'])
  }
})
