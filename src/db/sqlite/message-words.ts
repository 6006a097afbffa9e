/** The words of messages, which SQLite indexes with FTS5. Triggers of the schema keep the index; no rule may live here. */
import { codeOf } from '../../contract/failure.ts'
import type { MessageSearch, SoughtWords } from '../facts.ts'
import type { Query } from '../rows.ts'
import type { Client } from './client.ts'

/** Rows of `{ number }`, the latest message first. */
export function messagesWith({ words, chatId, userId, projectId, before, limit }: MessageSearch): Query {
  const conditions: readonly (readonly [sql: string, value: string | number | undefined])[] = [
    ['message_words.rowid < ?', before],
    ['messages.chat_id = ?', chatId],
    ['chats.user_id = ?', userId],
    ['chats.project_id = ?', projectId],
  ]
  const held = conditions.filter(([, value]) => value !== undefined)
  const isNarrow = [chatId, userId, projectId].some(id => id !== undefined)
  // The index is read first, in its own order, so that a page costs as much as its rows.
  const joined =
    'CROSS JOIN messages ON messages.number = message_words.rowid CROSS JOIN chats ON chats.id = chat_id'
  return {
    sql: `
      SELECT message_words.rowid AS number FROM message_words ${isNarrow ? joined : ''}
      WHERE ${['message_words MATCH ?', ...held.map(([sql]) => sql)].join(' AND ')}
      ORDER BY message_words.rowid DESC LIMIT ?`,
    params: [words.map(phrase).join(' '), ...held.map(([, value]) => value), limit],
  }
}

/** In quotes nothing is syntax (https://sqlite.org/fts5.html#fts5_strings). */
const phrase = ({ text, isStart }: SoughtWords): string =>
  `"${text.replaceAll('"', '""')}"${isStart ? '*' : ''}`

/**
 * Builds the index again if it is damaged, or is not of as many messages as there are.
 *
 * @returns what was run, or would be in a dry run
 */
export function mendWords(client: Client, { dryRun }: { readonly dryRun: boolean }): readonly string[] {
  if (!client.hasTable('message_words') || isSound(client)) return []
  if (!dryRun) {
    client.run('BEGIN IMMEDIATE')
    for (const statement of rebuild) client.run(statement)
    client.run('COMMIT')
  }
  return rebuild
}

const rebuild = [
  "INSERT INTO message_words (message_words) VALUES ('delete-all')",
  'INSERT INTO message_words (rowid, text) SELECT number, text FROM message_texts',
]

function isSound(client: Client): boolean {
  const counted = client.query(
    'SELECT (SELECT count(*) FROM messages) = (SELECT count(*) FROM message_words_docsize) AS isWhole',
  )
  try {
    client.run("INSERT INTO message_words (message_words) VALUES ('integrity-check')")
    return (counted.get() as { isWhole: number }).isWhole === 1
  } catch (error) {
    if (!codeOf(error).startsWith('SQLITE_CORRUPT')) throw error
    return false
  }
}
