/** Lists and search at 100,000 chats with 1,000,000 messages: a page in the middle against the first, search against bare FTS5. */
import { join } from 'node:path'
import { connectLatchkey } from '../src/index.ts'
import { measured } from './child.ts'
import { fixture } from './fixture.ts'
import { best, type Row } from './rounds.ts'

const chats = 100_000
const messages = 1_000_000
/** How many of the messages are in one chat, which is on none of the pages. */
const inOne = 10_000
const large = (chats * 3) / 4
const calls = 50

export async function rows(): Promise<readonly Row[]> {
  using made = await fixture(1)
  const bare = made.bare()
  const setUp = connectLatchkey({ path: made.path })
  await setUp.users.create({ username: 'talker' })
  const { id: user } = await setUp.users.get('talker')
  await setUp.close()
  bare.run('PRAGMA synchronous = OFF')
  bare.run('PRAGMA cache_size = -200000')
  bare.run('BEGIN')
  bare
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO chats SELECT format('cht_%026d', i), ?2, NULL, 'Chat ' || i, NULL, i, i FROM n`,
    )
    .run(chats, user)
  bare
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO messages SELECT i, format('msg_%026d', i),
         format('cht_%026d', CASE WHEN i <= ?2 THEN ?4 ELSE 1 + i % ?3 END), i, 'user',
         json_quote('message ' || i || ' about word' || (i % 1000) || ' and thing' || (i % 37)), NULL, i FROM n`,
    )
    .run(messages, inOne, chats, large)
  bare.run('COMMIT')
  bare.run('PRAGMA wal_checkpoint(TRUNCATE)')
  const latchkey = connectLatchkey({ path: made.path, access: 'read' })
  const chat = (n: number) => `cht_${String(n).padStart(26, '0')}`
  const many = (work: () => unknown) => async () => {
    for (let n = 0; n < calls; n++) await work()
  }
  const words = bare.prepare(
    'SELECT rowid FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT 50',
  )
  const content = bare.prepare('SELECT * FROM messages WHERE number = ?')
  const times = await best(5, {
    first: many(() => latchkey.chats.list({ limit: 50 })),
    middle: many(() => latchkey.chats.list({ limit: 50, after: chat(chats / 2) })),
    newest: many(() => latchkey.chats.list({ limit: 50, user: 'talker', sort: 'updated' })),
    older: many(() =>
      latchkey.chats.list({ limit: 50, user: 'talker', sort: 'updated', after: chat(chats / 2) }),
    ),
    firstSaid: many(() => latchkey.chats.messages(chat(large), { limit: 50 })),
    middleSaid: many(() => latchkey.chats.messages(chat(large), { limit: 50, after: inOne / 2 })),
    search: many(() => latchkey.chats.search('word500 thing*', { limit: 50 })),
    bare: many(() => {
      for (const row of words.all('"word500" "thing"*')) content.get(Object(row).rowid)
    }),
  })
  await latchkey.close()
  const peak = async (...words: readonly string[]) =>
    (await measured([process.execPath, program, '--db', made.path, 'chat', ...words, '-o', 'ndjson']))
      .peakBytes
  const [some, all] = [await peak('list', '--limit', '500'), await peak('list')]
  const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`
  const ms = (name: keyof typeof times) => `${(times[name] / calls).toFixed(2)} ms`
  const row = (name: string, is: keyof typeof times, to: keyof typeof times, bound: number): Row => ({
    name,
    ratio: times[is] / times[to],
    bound,
    better: 'lower',
    detail: `${ms(is)} against ${ms(to)}, ${chats.toLocaleString('en-US')} chats, ${messages.toLocaleString('en-US')} messages`,
  })
  return [
    row('chats: a page in the middle to the first', 'middle', 'first', 1.2),
    row('chats by change: a page in the middle', 'older', 'newest', 1.2),
    row('messages: a page in the middle', 'middleSaid', 'firstSaid', 1.2),
    row('chat search to bare FTS5', 'search', 'bare', 3),
    {
      name: 'chat list of all: peak memory to that of 500',
      ratio: all / some,
      bound: 1.5,
      better: 'lower',
      detail: `${mebibytes(all)} against ${mebibytes(some)}`,
    },
  ]
}

const program = join(import.meta.dir, '../bin/latchkey.ts')
