/** The words of messages, which an index of the schema has. No rule may live here. */
import type { MessageSearch, SoughtWords } from '../facts.ts'
import type { Query } from '../rows.ts'

/** Rows of `{ number }`, the latest message first. */
export function messagesWith({ words, chatId, userId, projectId, before, limit }: MessageSearch): Query {
  const params: (string | number)[] = []
  const place = (value: string | number): string => `$${params.push(value)}`
  const sought = words.map(word => phrase(word, place(word.text.replaceAll('-', ' '))))
  const conditions = [`latchkey_words(messages.content) @@ (${sought.join(' && ')})`]
  if (before !== undefined) conditions.push(`messages.number < ${place(before)}`)
  if (chatId !== undefined) conditions.push(`messages.chat_id = ${place(chatId)}`)
  if (userId !== undefined) conditions.push(`chats.user_id = ${place(userId)}`)
  if (projectId !== undefined) conditions.push(`chats.project_id = ${place(projectId)}`)
  return {
    sql: `
      SELECT messages.number AS number FROM messages JOIN chats ON chats.id = messages.chat_id
      WHERE ${conditions.join(' AND ')} ORDER BY messages.number DESC LIMIT ${place(limit)}`,
    params,
  }
}

/** Words that follow each other, which the server also has of `one-word`; more letters may follow the last one. */
const phrase = ({ isStart }: SoughtWords, place: string): string =>
  isStart
    ? `(phraseto_tsquery('simple', ${place})::text || ':*')::tsquery`
    : `phraseto_tsquery('simple', ${place})`
