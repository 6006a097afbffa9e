/**
 * Lists and search at 100,000 users, 100,000 chats and 1,000,000 messages: a page in the middle against the first, search against
 * bare FTS5, and the memory of what is streamed.
 */
import type { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { connectLatchkey } from '../src/index.ts'
import { measured } from './child.ts'
import { fixture } from './fixture.ts'
import { best, type Row } from './rounds.ts'

const users = 100_000
const chats = 100_000
const messages = 1_000_000
/** The chat that is exported has half of them, and the one whose pages are read so many; neither is on a page of chats. */
const [exported, inExported] = [(chats * 3) / 4, messages / 2]
const [paged, inPaged] = [(chats * 3) / 4 + 1, 10_000]
/** Short and often, so that the best of them had the processor to itself. */
const [calls, rounds] = [4, 40]

export async function rows(): Promise<readonly Row[]> {
  using made = await fixture(1)
  const bare = made.bare()
  const setUp = connectLatchkey({ path: made.path })
  const { id: user } = await setUp.users.create({ username: 'talker' })
  await setUp.close()
  fill(bare, user)
  const latchkey = connectLatchkey({ path: made.path, access: 'read' })
  const many = (work: () => unknown) => async () => {
    for (let n = 0; n < calls; n++) await work()
  }
  const words = bare.prepare(
    'SELECT rowid FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT 50',
  )
  const content = bare.prepare('SELECT * FROM messages WHERE number = ?')
  const pages = await best(rounds, {
    firstUsers: many(() => latchkey.users.list({ limit: 50 })),
    middleUsers: many(() => latchkey.users.list({ limit: 50, after: id('usr', users / 2) })),
    first: many(() => latchkey.chats.list({ limit: 50 })),
    middle: many(() => latchkey.chats.list({ limit: 50, after: id('cht', chats / 2) })),
    newest: many(() => latchkey.chats.list({ limit: 50, user: 'talker', sort: 'updated' })),
    older: many(() =>
      latchkey.chats.list({ limit: 50, user: 'talker', sort: 'updated', after: id('cht', chats / 2) }),
    ),
    firstSaid: many(() => latchkey.chats.messages(id('cht', paged), { limit: 50 })),
    middleSaid: many(() => latchkey.chats.messages(id('cht', paged), { limit: 50, after: inPaged / 2 })),
  })
  const searches = await best(5, {
    search: many(() => latchkey.chats.search('word500 thing*', { limit: 50 })),
    bare: many(() => {
      for (const row of words.all('"word500" "thing"*')) content.get(Object(row).rowid)
    }),
  })
  const times = { ...pages, ...searches }
  await latchkey.close()
  const peak = async (...words: readonly string[]) =>
    (await measured([process.execPath, program, '--db', made.path, 'chat', ...words, '-o', 'ndjson']))
      .peakBytes
  const memory = async (name: string, few: readonly string[], all: readonly string[]): Promise<Row> => {
    const [some, most] = [await peak(...few), await peak(...all)]
    const detail = `${mebibytes(most)} against ${mebibytes(some)}`
    return { name, ratio: most / some, bound: 1.5, better: 'lower', detail }
  }
  const ms = (name: keyof typeof times) => `${(times[name] / calls).toFixed(2)} ms`
  const row = (name: string, is: keyof typeof times, to: keyof typeof times, bound: number): Row => ({
    name,
    ratio: times[is] / times[to],
    bound,
    better: 'lower',
    detail: `${ms(is)} against ${ms(to)}`,
  })
  return [
    row('users: a page in the middle to the first', 'middleUsers', 'firstUsers', 1.2),
    row('chats: a page in the middle to the first', 'middle', 'first', 1.2),
    row('chats by change: a page in the middle', 'older', 'newest', 1.2),
    row('messages: a page in the middle', 'middleSaid', 'firstSaid', 1.2),
    row('chat search to bare FTS5', 'search', 'bare', 3),
    await memory('chat list: memory of 100,000 to 10,000', ['list', '--limit', '10000'], ['list']),
    await memory(
      'chat export: memory of 500,000 messages to 10,000',
      ['export', id('cht', paged)],
      ['export', id('cht', exported)],
    ),
  ]
}

/** In the order of the indexes, and with the words last and in large parts, which takes half the time of one by one. */
function fill(db: Database, user: string): void {
  const triggers = db
    .query<{ name: string; sql: string }, []>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'messages'",
    )
    .all()
  db.run('PRAGMA synchronous = OFF')
  db.run('PRAGMA cache_size = -200000')
  db.run('BEGIN')
  for (const { name } of triggers) db.run(`DROP TRIGGER ${name}`)
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)'
  db.run(
    `${numbers} INSERT INTO users (id, username, role, service, created_at, updated_at)
       SELECT format('usr_%026d', i), 'u' || i, 'member', 0, i, i FROM n`,
    [users],
  )
  db.run(
    `${numbers} INSERT INTO chats (id, user_id, title, created_at, updated_at)
       SELECT format('cht_%026d', i), ?2, 'Chat ' || i, i, i FROM n`,
    [chats, user],
  )
  // The others have as many each, from the first to the last.
  const rest = messages - inExported - inPaged
  db.run(
    `${numbers}, said (i, chat, position) AS (
       SELECT i, 1 + i * (?5 - 3) / ?2, i FROM n WHERE i <= ?2
       UNION ALL SELECT i, ?3, i - ?2 FROM n WHERE i > ?2 AND i <= ?2 + ?4
       UNION ALL SELECT i, ?3 + 1, i - ?2 - ?4 FROM n WHERE i > ?2 + ?4)
     INSERT INTO messages (number, id, chat_id, position, role, content, created_at)
       SELECT i, format('msg_%026d', i), format('cht_%026d', chat + iif(i <= ?2 AND chat >= ?3, 2, 0)), position, 'user',
         json_quote('message ' || i || ' about word' || (i % 1000) || ' and thing' || (i % 37)), i FROM said`,
    [messages, rest, exported, inExported, chats],
  )
  db.run("INSERT INTO message_words (message_words, rank) VALUES ('hashsize', 100000000)")
  db.run(
    "INSERT INTO message_words (rowid, text) SELECT number, json_extract(content, '$') FROM messages ORDER BY number",
  )
  for (const { sql } of triggers) db.run(sql)
  db.run('COMMIT')
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')
}

const id = (prefix: string, n: number): string => `${prefix}_${String(n).padStart(26, '0')}`

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`

const program = join(import.meta.dir, '../bin/latchkey.ts')
