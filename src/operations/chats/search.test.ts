// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { DatabaseSync } from 'node:sqlite'
import { requireFile, temporaryLatchkey } from '../../testing/latchkey.ts'

const said: readonly unknown[] = [
  'Where is the invoice for the old town hotel?',
  [{ type: 'text', text: 'The INVOICE is in\nthe "blue" folder' }],
  { role: 'note', nested: { text: 'Zoë eats crème brûlée' } },
  'Привет, мир',
  "it's 50% off: a_b [c] -- ; AND OR NOT NEAR(x)",
  '日本語 テキスト',
  12,
  'Café au lait — “naïve” RÉSUMÉ, cafe\u0301 Tiếng Việt',
  'user@example.com saw https://docs.example.com/x-y/c_d?e=f#top, version 1.2.3 of /usr/local/bin',
  'Ёлка, ГРУЗИЯ и за\u0301мок: ΟΔΟΣ',
  '東京タワー、中文。「引用」',
  '😀 great👍 <b>bold</b> &amp; 5-7 e-mails, +3.14 and 1e5',
]

async function home() {
  const made = await temporaryLatchkey()
  const { users, projects, chats } = made.latchkey
  for (const username of ['alice', 'bob']) await users.create({ username })
  await projects.create({ name: 'Shop', owner: 'alice' })
  const { id } = await chats.create({ user: 'alice', title: 'All', project: 'shop' })
  for (const content of said) await chats.append(id, { role: 'user', content })
  const { id: other } = await chats.create({ user: 'bob', title: 'Other' })
  await chats.append(other, { role: 'assistant', content: 'another invoice' })
  const positions = async (words: string, page = {}) =>
    (await chats.search(words, page)).map(({ user, position }) => `${user.username} ${position}`)
  return { ...made, chats, id, positions, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

test.each([
  ['invoice', ['bob 1', 'alice 2', 'alice 1']],
  ['INVOICE folder', ['alice 2']],
  ['"old town"', ['alice 1']],
  ['"town old"', []],
  ['inv*', ['bob 1', 'alice 2', 'alice 1']],
  ['inv', []],
  ['"the old to"*', ['alice 1']],
  ['Zo\u0065\u0308', ['alice 3']],
  ['CRÈME brûlée', ['alice 3']],
  ['мир', ['alice 4']],
  ['МИР', ['alice 4']],
  ['日本語', ['alice 6']],
  // The type of a part is no word of it.
  ['text', []],
  ['blue text', []],
  ['note', ['alice 3']],
  ['12', []],
  ['and or not', ['alice 5']],
  ['NEAR(x)', ['alice 5']],
  ['a_b', ['alice 5']],
  ['invoice -hotel', ['alice 1']],
  ['town-hotel', ['alice 1']],
  ['hotel-town', []],
  // Accents of Latin letters, however they are written.
  ['zoe', ['alice 3']],
  ['creme brulee', ['alice 3']],
  ['cafe', ['alice 8']],
  ['CAFÉ', ['alice 8']],
  ['cafe\u0301', ['alice 8']],
  ['"cafe au lait naive resume cafe"', ['alice 8']],
  ['résumé', ['alice 8']],
  ['tieng viet', ['alice 8']],
  ['tiê*', ['alice 8']],
  ['example', ['alice 9']],
  ['"docs example com"', ['alice 9']],
  ['docs.example.com/x-y', ['alice 9']],
  ['user@example', ['alice 9']],
  ['1.2', ['alice 9']],
  ['"usr local bin"', ['alice 9']],
  ['local', ['alice 9']],
  ['top', ['alice 9']],
  ['ёлка', ['alice 10']],
  ['елка', []],
  ['грузия замок', ['alice 10']],
  ['грузи*', ['alice 10']],
  ['груз', []],
  ['οδος', ['alice 10']],
  ['東京タワー', ['alice 11']],
  ['東京*', ['alice 11']],
  ['中文', ['alice 11']],
  ['引用', ['alice 11']],
  ['great', ['alice 12']],
  ['great😀', ['alice 12']],
  ['bold amp', ['alice 12']],
  ['mail', []],
  ['e-mails', ['alice 12']],
  ['mails', ['alice 12']],
  ['"5 7"', ['alice 12']],
  ['3', ['alice 12', 'alice 9']],
  ['14', ['alice 12']],
  ['1e5', ['alice 12']],
])('%s finds %j', async (words, found) => {
  await using at = await home()
  expect(await at.positions(words)).toEqual(found)
})

test.each([
  '"invoice',
  'invoice"',
  '""invoice""',
  '*invoice',
  'invoice**',
  'text:invoice',
  '{text}: invoice',
  '^invoice',
  'invoice AND',
  'OR invoice',
  'NOT',
  '(invoice',
  'invoice)',
  'NEAR(invoice, 1',
  'invoice + -',
  "in'voice",
  '\\invoice',
  'invoice\0',
  '\u0000invoice',
  'in\ud800voice',
  'a; DROP TABLE messages',
  'message_words: x',
  '"a""b"',
  '-invoice',
  '🔑 invoice',
  'rank MATCH x',
  '?1',
  ':a',
  '$x',
  '@x',
  `"${'a '.repeat(300)}"`,
])('%j is words and no syntax', async words => {
  await using at = await home()
  expect(Array.isArray(await at.chats.search(words))).toBe(true)
})

test.each(['', ' ', '*', '"', '""', '!?', '🔑', '\0', 'word '.repeat(33), 'x'.repeat(1_001)])(
  '%j is nothing that can be found, and is said so',
  async words => {
    await using at = await home()
    expect(await at.chats.search(words).catch(error => error.code)).toBe('invalid')
  },
)

test('a search is within a user or project, and has pages', async () => {
  await using at = await home()
  expect(await at.positions('invoice', { user: 'alice' })).toEqual(['alice 2', 'alice 1'])
  expect(await at.positions('invoice', { user: 'bob' })).toEqual(['bob 1'])
  expect(await at.positions('invoice', { project: 'shop' })).toEqual(['alice 2', 'alice 1'])
  expect(await at.positions('invoice', { user: 'bob', project: 'shop' })).toEqual([])
  const [first] = await at.chats.search('invoice', { limit: 1 })
  expect(first).toMatchObject({ chat: { title: 'Other' }, role: 'assistant', excerpt: 'another invoice' })
  expect(await at.positions('invoice', { limit: 1, after: first!.id })).toEqual(['alice 2'])
  expect(await at.chats.search('invoice', { user: 'nobody' }).catch(error => error.code)).toBe('not_found')
  expect(await at.chats.search('invoice', { after: 'msg_0' }).catch(error => error.code)).toBe('not_found')
})

test('an excerpt is one line around the first word', async () => {
  await using at = await home()
  const { id } = await at.chats.create({ user: 'bob' })
  await at.chats.append(id, {
    role: 'user',
    content: `${'before '.repeat(50)}\n needle ${'after '.repeat(50)}`,
  })
  const [found] = await at.chats.search('needle')
  expect(found!.excerpt).toMatch(/^…(before )+needle (after )+…?/)
  expect(found!.excerpt.length).toBeLessThanOrEqual(162)
})

requireFile()(
  'what is deleted is not found, and an index that is wrong is noticed and built again',
  async () => {
    await using at = await home()
    await at.chats.delete('Other')
    expect(await at.positions('invoice')).toEqual(['alice 2', 'alice 1'])
    await at.latchkey.close()
    const raw = new DatabaseSync(at.path)
    raw.exec("INSERT INTO message_words (message_words) VALUES ('delete-all')")
    raw.close()
    const [again, dry] = [await temporaryAt(at.path), await temporaryAt(at.path, true)]
    expect(await again.chats.search('invoice')).toEqual([])
    const rebuild = expect.stringContaining('FROM message_texts')
    expect((await dry.database.optimize()).statements).toContainEqual(rebuild)
    expect(await again.chats.search('invoice')).toEqual([])
    expect((await again.database.optimize()).statements).toContainEqual(rebuild)
    expect(await again.chats.search('invoice')).toHaveLength(2)
    expect((await again.database.optimize()).statements).not.toContainEqual(rebuild)
    await Promise.all([again.close(), dry.close()])
  },
)

const temporaryAt = async (path: string, dryRun = false) =>
  (await import('../../index.ts')).connectLatchkey({ path, dryRun })
