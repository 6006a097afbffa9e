/** Finds messages by their words. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { FoundMessage } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { SoughtWords } from '../../db/facts.ts'
import { desc, eq, inArray } from '../../db/query.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { users } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import { type MessageSearchPage, messageSearch } from './input.ts'

/**
 * Messages with all the words, the latest first. Words in quotes must follow each other; a `*` at the end of a word stands
 * for any more letters. Case and accents do not matter, and nothing else is syntax.
 *
 * @throws invalid (no words, or too many); not_found, ambiguous for the user or project; not_found for the `after` message
 */
export async function searchMessages(
  context: OperationContext,
  text: string,
  given: MessageSearchPage = {},
): Promise<readonly FoundMessage[]> {
  const page = rules.parseFilter(messageSearch, given)
  const words = soughtWords(text)
  return context.store.read(async db => {
    const user = page.user === undefined ? undefined : await find(db, 'user', page.user)
    const project = page.project === undefined ? undefined : await find(db, 'project', page.project)
    const numbers = await db.facts.messagesWith({
      words,
      userId: user?.id,
      projectId: project?.id,
      before: page.after === undefined ? undefined : await numberOf(db, page.after),
      limit: page.limit,
    })
    return viewsOf(db, numbers, words)
  })
}

const mostWords = 32

/** @throws invalid */
export function soughtWords(text: string): readonly SoughtWords[] {
  const said = text.normalize('NFC').replace(/[\p{Cc}\p{Cs}]/gu, ' ')
  const found = Array.from(said.matchAll(/"([^"]*)"(\*?)|([^\s"]+)/g), ([, quoted, star, word = '']) =>
    quoted === undefined
      ? { text: word.replace(/\*+$/, ''), isStart: word.endsWith('*') }
      : { text: quoted, isStart: star === '*' },
  )
  const words = found.filter(each => /[\p{L}\p{N}]/u.test(each.text))
  if (words.length > 0 && words.length <= mostWords && said.length <= mostSought) return words
  throw new LatchkeyError(
    'invalid',
    words.length === 0 ? 'there is no word to search for' : `that is too much to search for at once`,
    `give 1 to ${mostWords} words: latchkey chat search invoice`,
  )
}

const mostSought = 1_000

async function numberOf(db: Database, id: string): Promise<number> {
  const [row] = await db
    .select({ number: messages.number })
    .from(messages)
    .where(eq(messages.id, id))
    .limit(1)
  if (row) return row.number
  throw new LatchkeyError(
    'not_found',
    'there is no message to begin after with that id',
    'give the id of the last message of a page',
  )
}

const viewsOf = async (
  db: Database,
  numbers: readonly number[],
  words: readonly SoughtWords[],
): Promise<readonly FoundMessage[]> => {
  const rows = await db
    .select({
      id: messages.id,
      position: messages.position,
      role: messages.role,
      content: messages.content,
      createdAt: messages.createdAt,
      chat: { id: chats.id, title: chats.title },
      user: { id: users.id, username: users.username },
    })
    .from(messages)
    .innerJoin(chats, eq(chats.id, messages.chatId))
    .innerJoin(users, eq(users.id, chats.userId))
    .where(inArray(messages.number, [...numbers]))
    .orderBy(desc(messages.number))
  return rows.map(({ content, createdAt, ...row }) => ({
    ...row,
    excerpt: excerptOf(textsIn(content).join(' '), words),
    createdAt: new Date(createdAt),
  }))
}

/** The texts in a JSON value, without the names of fields and the types of parts. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([field, inner]) => (field === 'type' ? [] : textsIn(inner)))
}

const excerptLength = 160
const beforeWord = 40

/** Around the first of the words that is found as it is written; else the beginning. On one line. */
function excerptOf(text: string, words: readonly SoughtWords[]): string {
  const line = text.replace(/\s+/g, ' ').trim()
  const low = line.toLowerCase()
  const places = words.map(word => low.indexOf(word.text.toLowerCase())).filter(place => place >= 0)
  const first = Math.min(...places)
  const start =
    places.length === 0 || first <= beforeWord ? 0 : line.indexOf(' ', first - beforeWord) + 1 || first
  const end = start + excerptLength
  const part = line.slice(start, end).toWellFormed()
  return `${start > 0 ? '…' : ''}${part}${end < line.length ? '…' : ''}`
}
