// Runs on PostgreSQL too.
import { afterEach, expect, spyOn, test } from 'bun:test'
import { Client } from '../../db/sqlite/client.ts'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { requireFile, temporaryLatchkey } from '../../testing/latchkey.ts'

const spies: { mockRestore(): void }[] = []
afterEach(() => {
  for (const spy of spies.splice(0)) spy.mockRestore()
})

async function home() {
  const made = await temporaryLatchkey()
  const { users, projects } = made.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  return made
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    error => error.code,
  )

test('a chat has the title, project and session that were given, or the usual ones', async () => {
  await using at = await home()
  const { chats } = at.latchkey
  const plain = await chats.create({ user: 'alice' })
  expect(plain).toMatchObject({
    title: 'New Chat',
    user: { username: 'alice' },
    project: null,
    sessionId: null,
  })
  expect(plain).toMatchObject({ messages: 0, created: true })
  const full = await chats.create({ user: 'bob', title: ' Trip ', project: 'shop', sessionId: 's1' })
  expect(full).toMatchObject({ title: 'Trip', project: { slug: 'shop' }, sessionId: 's1' })
  expect(await chats.get(full.id)).toEqual((({ created, ...chat }) => chat)(full))
})

test.each([
  [{ user: 'nobody' }, 'not_found'],
  [{ user: 'alice', project: 'none' }, 'not_found'],
  [{ user: 'alice', title: ' ' }, 'invalid'],
  [{ user: 'alice', title: 'cht_x' }, 'invalid'],
  [{ user: 'alice', title: 'x'.repeat(201) }, 'invalid'],
  [{ user: 'alice', sessionId: '' }, 'invalid'],
])('%j is refused as %s', async (input, code) => {
  await using at = await home()
  expect(await codeOf(at.latchkey.chats.create(input))).toBe(code)
  expect(await at.latchkey.chats.list()).toEqual({ chats: [], total: 0 })
})

test('for another user a chat does not exist, whatever is done with it', async () => {
  await using at = await home()
  const { chats } = at.latchkey
  const { id } = await chats.create({ user: 'alice', title: 'Diary' })
  await chats.append(id, { role: 'user', content: 'private words' })
  const all = await chats.get(id)
  for (const chat of [id, id.slice(0, 12), 'diary', 'Diary']) {
    const asBob = { chat, user: 'bob' }
    for (const work of [
      () => chats.get(asBob),
      () => chats.rename(asBob, 'Mine'),
      () => chats.setSession(asBob, 'mine'),
      () => chats.append(asBob, { role: 'user', content: 'hi' }),
      () => chats.messages(asBob),
      () => chats.message(asBob, 1),
      () => Array.fromAsync(chats.export(asBob)),
      () => chats.delete(asBob),
    ])
      expect(await codeOf(work())).toBe('not_found')
  }
  const refused = await chats.get({ chat: 'Diarx', user: 'bob' }).catch(error => error.message)
  expect(refused).not.toContain('Diary')
  expect((await chats.list({ user: 'bob' })).total).toBe(0)
  expect(await chats.search('private', { user: 'bob' })).toEqual([])
  expect(await codeOf(chats.list({ user: 'bob', after: id }))).toBe('not_found')
  expect(await chats.get({ chat: 'diary', user: 'alice' })).toEqual(all)
})

test('messages have their order, content and metadata, and move the time of the chat', async () => {
  await using at = await home()
  const { chats } = at.latchkey
  const { id } = await chats.create({ user: 'alice', title: 'Talk' })
  const contents = [
    'Hello',
    [
      { type: 'text', text: 'Hi' },
      { type: 'image', url: 'x' },
    ],
    { a: [1, true] },
    '',
    0,
    false,
  ]
  for (const [n, content] of contents.entries()) {
    at.clock.now = new Date(at.clock.now.getTime() + 1_000)
    const metadata = n === 1 ? { tokens: 5, costUsd: 0.1, model: 'gpt-x', durationMs: 12 } : undefined
    const message = await chats.append(id, { role: n % 2 === 0 ? 'user' : 'assistant', content, metadata })
    expect(message).toMatchObject({ position: n + 1, chat: { id, title: 'Talk' }, createdAt: at.clock.now })
    expect((await chats.get(id)).updatedAt).toEqual(at.clock.now)
  }
  const { messages, total } = await chats.messages(id)
  expect(messages.map(({ content }) => content)).toEqual(contents)
  expect(messages[1]!.metadata).toEqual({ tokens: 5, costUsd: 0.1, model: 'gpt-x', durationMs: 12 })
  expect(total).toBe(6)
  expect(await chats.message(id, 3)).toEqual(messages[2]!)
  expect(await chats.message(id, messages[3]!.id)).toEqual(messages[3]!)
  expect(await codeOf(chats.message(id, 7))).toBe('not_found')
  expect(await Array.fromAsync(chats.export(id))).toEqual([...messages])
  const positions = async (page: object) =>
    (await chats.messages(id, page)).messages.map(each => each.position)
  expect(await positions({ limit: 2 })).toEqual([1, 2])
  expect(await positions({ limit: 2, after: 2 })).toEqual([3, 4])
  expect(await positions({ limit: 2, descending: true })).toEqual([6, 5])
  expect(await positions({ limit: 2, after: 5, descending: true })).toEqual([4, 3])
})

test.each([
  { role: 'user', content: null },
  { role: 'user', content: undefined },
  { role: 'user', content: () => 1 },
  { role: 'user', content: 'half \ud800' },
  { role: 'user', content: 'x'.repeat(4 * 1024 * 1024) },
  { role: 'robot', content: 'hi' },
])('a message %# that is none is refused', async message => {
  await using at = await home()
  const { chats } = at.latchkey
  const { id } = await chats.create({ user: 'alice' })
  expect(await codeOf(chats.append(id, message as never))).toBe('invalid')
  expect(await chats.messages(id)).toEqual({ messages: [], total: 0 })
})

test('every change has its audit row, which never has what was said', async () => {
  await using at = await home()
  const { chats, audit } = at.latchkey
  const { id } = await chats.create({ user: 'alice', title: 'Talk' })
  const { id: message } = await chats.append(id, {
    role: 'user',
    content: 'hush',
    metadata: { note: 'hush' },
  })
  await chats.rename(id, 'Other')
  await chats.rename(id, 'Other')
  await chats.setSession(id, 's1')
  await chats.setSession(id, null)
  await chats.delete(id)
  const { id: another } = await chats.create({ user: 'alice' })
  await chats.append(another, { role: 'user', content: 'hush' })
  expect(await chats.prune({ user: 'alice' })).toEqual({ chats: 1, messages: 1 })
  const rows = await audit.list({ action: 'chat' })
  expect(rows.map(({ action }) => action).toReversed()).toEqual([
    'chat.create',
    'chat.append',
    'chat.rename',
    'chat.session',
    'chat.session',
    'chat.delete',
    'chat.create',
    'chat.append',
    'chat.delete',
  ])
  expect(rows.at(-2)!.after).toEqual({ message, position: 1, role: 'user' })
  expect(rows[0]!.before).toMatchObject({ id: another, messages: 1 })
  expect(JSON.stringify(rows)).not.toContain('hush')
})

test('a dry run changes nothing', async () => {
  await using at = await home()
  const { id } = await at.latchkey.chats.create({ user: 'alice' })
  await at.latchkey.chats.append(id, { role: 'user', content: 'stays' })
  const before = [await at.latchkey.chats.list(), await at.latchkey.audit.list()]
  const { chats } = at.dry
  expect(await chats.append(id, { role: 'user', content: 'no' })).toMatchObject({ position: 2 })
  await chats.create({ user: 'bob' })
  await chats.rename(id, 'No')
  await chats.setSession(id, 'no')
  expect(await chats.prune({ user: 'alice' })).toEqual({ chats: 1, messages: 1 })
  await chats.delete(id)
  expect<unknown>([await at.latchkey.chats.list(), await at.latchkey.audit.list()]).toEqual(before)
  expect(await at.latchkey.chats.search('stays')).toHaveLength(1)
})

test('pages follow each other without a gap, in both orders, and a stream has the same', async () => {
  await using at = await home()
  const { chats } = at.latchkey
  const ids: string[] = []
  for (let n = 0; n < 9; n++)
    ids.push((await chats.create({ user: n % 3 === 0 ? 'bob' : 'alice', title: `t${n}` })).id)
  // All changes but two are at one time.
  at.clock.now = new Date(at.clock.now.getTime() + 1_000)
  for (const id of [ids[4]!, ids[1]!]) await chats.append(id, { role: 'user', content: 'new' })
  const orders = {
    created: ids,
    updated: [ids[4]!, ids[1]!, ...ids.filter((_, n) => n !== 4 && n !== 1).toReversed()],
  } as const
  for (const sort of ['created', 'updated'] as const) {
    for (const user of [undefined, 'alice', 'bob']) {
      const all = (await Array.fromAsync(chats.stream({ sort, user }))).map(({ id }) => id)
      const expected = orders[sort].filter(
        id => user === undefined || (ids.indexOf(id) % 3 === 0) === (user === 'bob'),
      )
      expect(all).toEqual(expected)
      const paged: string[] = []
      for (;;) {
        const page = await chats.list({ sort, user, limit: 2, after: paged.at(-1) })
        expect(page.total).toBe(all.length)
        if (page.chats.length === 0) break
        paged.push(...page.chats.map(({ id }) => id))
      }
      expect(paged).toEqual(all)
    }
  }
  expect((await Array.fromAsync(chats.stream({ limit: 3 }))).map(({ title }) => title)).toEqual([
    't0',
    't1',
    't2',
  ])
  expect((await chats.list({ search: 'T8' })).chats.map(({ title }) => title)).toEqual(['t8'])
})

test('old chats go, and only those', async () => {
  await using at = await home()
  const { chats } = at.latchkey
  const since = at.clock.now
  const old = await chats.create({ user: 'alice', title: 'old' })
  const revived = await chats.create({ user: 'alice', title: 'revived' })
  await chats.append(old.id, { role: 'user', content: 'goes' })
  at.clock.now = new Date(since.getTime() + 1_000)
  await chats.append(revived.id, { role: 'user', content: 'stays' })
  expect(await codeOf(chats.prune({}))).toBe('invalid')
  expect(await codeOf(chats.prune({ user: ' ' }))).toBe('invalid')
  expect(await chats.prune({ unchangedSince: since })).toEqual({ chats: 0, messages: 0 })
  expect(await chats.prune({ unchangedSince: at.clock.now })).toEqual({ chats: 1, messages: 1 })
  expect((await chats.list()).chats.map(({ title }) => title)).toEqual(['revived'])
  expect(await chats.search('goes')).toEqual([])
  expect(await chats.search('stays')).toHaveLength(1)
})

test('a user who has chats is not deleted, and a project takes none with it', async () => {
  await using at = await home()
  const { chats, users, projects } = at.latchkey
  const { id } = await chats.create({ user: 'bob', project: 'shop' })
  const refused = await users.delete('bob').catch(error => error)
  expect(refused).toMatchObject({ code: 'conflict', message: 'bob still has 1 chat' })
  await projects.delete('shop')
  expect(await chats.get(id)).toMatchObject({ project: null })
  await chats.prune({ user: 'bob' })
  await users.delete('bob')
})

/** How many statements a read takes. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const spy = spyOn(Client.prototype, 'prepare')
  spies.push(spy)
  await work()
  const { length } = spy.mock.calls
  spy.mockRestore()
  return length
}

async function filled(latchkey: Latchkey, count: number) {
  for (let n = 0; n < count; n++) {
    const { id } = await latchkey.chats.create({ user: 'alice', project: 'shop', title: `t${n}` })
    await latchkey.chats.append(id, { role: 'user', content: `word ${n}` })
  }
}

requireFile()('a page takes as many statements with few chats as with many', async () => {
  const countsWith = async (count: number) => {
    await using at = await home()
    const { chats } = at.latchkey
    await filled(at.latchkey, count)
    const { id } = (await chats.list({ limit: 1 })).chats[0]!
    return {
      list: await statementsOf(() => chats.list({ user: 'alice', sort: 'updated', limit: 50 })),
      after: await statementsOf(() => chats.list({ limit: 50, after: id })),
      messages: await statementsOf(() => chats.messages(id)),
      search: await statementsOf(() => chats.search('word', { user: 'alice', limit: 50 })),
    }
  }
  const few = await countsWith(2)
  expect(await countsWith(200)).toEqual(few)
  expect(Object.values(few).every(count => count <= 6)).toBe(true)
})

test('eight processes append to one chat, and nothing is lost or counted twice', async () => {
  await using at = await home()
  const { id } = await at.latchkey.chats.create({ user: 'alice' })
  const script = `
    import { connectLatchkey } from ${JSON.stringify(new URL('../../index.ts', import.meta.url).pathname)}
    const [path, chat, who] = process.argv.slice(1)
    const latchkey = connectLatchkey({ path, busyTimeoutMs: 60_000 })
    for (let n = 0; n < 25; n++) await latchkey.chats.append(chat, { role: 'user', content: who + ' ' + n })
    await latchkey.close()`
  const children = Array.from({ length: 8 }, (_, who) =>
    Bun.spawn([process.execPath, '-e', script, at.path, id, `p${who}`], { stderr: 'inherit' }),
  )
  expect(await Promise.all(children.map(child => child.exited))).toEqual(Array(8).fill(0))
  const said = await Array.fromAsync(at.latchkey.chats.export(id))
  expect(said.map(({ position }) => position)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
  expect(new Set(said.map(({ content }) => content)).size).toBe(200)
  for (let who = 0; who < 8; who++) {
    const own = said.map(({ content }) => String(content)).filter(content => content.startsWith(`p${who} `))
    expect(own).toEqual(Array.from({ length: 25 }, (_, n) => `p${who} ${n}`))
  }
})

test('a stream sees one moment, whatever is written meanwhile', async () => {
  await using at = await home()
  const { chats } = at.latchkey
  const { id } = await chats.create({ user: 'alice' })
  for (let n = 0; n < 250; n++) await chats.append(id, { role: 'user', content: n })
  const other = connectLatchkey({ path: at.path })
  const read: unknown[] = []
  for await (const { content } of chats.export(id)) {
    read.push(content)
    if (read.length === 1) await other.chats.append(id, { role: 'user', content: 'later' })
  }
  await other.close()
  expect(read).toEqual(Array.from({ length: 250 }, (_, n) => n))
})
