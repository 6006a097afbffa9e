/** The words of messages, which an index of the schema has. No rule may live here. */
import type { MessageSearch } from '../facts.ts'
import type { Query } from '../rows.ts'

/** Rows of `{ number }`, the latest message first. */
export function messagesWith({ words, chatId, userId, projectId, before, limit }: MessageSearch): Query {
  const params: (string | number)[] = []
  const place = (value: string | number): string => `$${params.push(value)}`
  const sought = words.map(({ text, isStart }) => `latchkey_sought(${place(text)}, ${isStart})`)
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
