/** Chats of users. What is said in one is in `messages.ts`. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, Chat, ChatSort, CreatedChat, PrunedChats } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, count, desc, eq, gt, idsOf, lt, oneOf, type SQL, sql } from '../../db/query.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { projects, users } from '../../db/schema/people.ts'
import { recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { ChatSelector } from '../input.ts'
import { type Row, targetOf } from '../nouns.ts'
import { batchSize, paged } from '../page.ts'
import { findRecipient } from '../people/recipient.ts'
import * as rules from '../rules/input.ts'
import { contains, find, findAmong } from '../select.ts'
import { Thing } from '../thing.ts'
import { type ChatFilter, type ChatPage, chatFilter, chatPage, type NewChat, newChat } from './input.ts'

/** @throws invalid; not_found and ambiguous for the user or project; conflict (the user was erased) */
export async function createChat(context: OperationContext, input: NewChat): Promise<CreatedChat> {
  const { title, sessionId = null, ...fields } = rules.parse(newChat, input)
  return context.store.write(async db => {
    const { id: userId } = await findRecipient(db, fields.user)
    const project = fields.project === undefined ? undefined : await find(db, 'project', fields.project)
    const given = { userId, projectId: project?.id ?? null, title, sessionId }
    return chat.create(context, db, given, { same: () => [] })
  })
}

/** @throws invalid; not_found, ambiguous for the user, the project or the `after` chat */
export const chatList = paged('chats', (_, given: ChatPage = {}) => {
  const { limit, after, sort, ...filter } = rules.parsePage(chatPage, given)
  return {
    limit,
    open: async db => {
      const where = await conditionOf(db, filter)
      return {
        // One of those on its pages.
        after: after === undefined ? undefined : await findAmong(db, 'chat', after, where),
        read: async (last: Place | undefined, size: number) =>
          chatViews(db, await pageOf(db, where, sort, last, size)),
        keyOf: ({ id, updatedAt }: Chat) => ({ id, updatedAt: updatedAt.getTime() }),
        total: () => db.$count(chats, where),
      }
    },
  }
})

type Place = Pick<Row<'chat'>, 'id' | 'updatedAt'>

/** @throws not_found, ambiguous, invalid */
export async function renameChat(
  context: OperationContext,
  selector: ChatSelector,
  title: string,
): Promise<Changed<Chat>> {
  const given = rules.parse(newTitle, { title })
  return chat.change(context, selector, 'rename', async () => given)
}

const newTitle = v.object({ title: rules.chatTitle })

/** @param sessionId null for none. @throws not_found, ambiguous, invalid */
export async function setChatSession(
  context: OperationContext,
  selector: ChatSelector,
  sessionId: string | null,
): Promise<Changed<Chat>> {
  const given = sessionId === null ? { sessionId } : rules.parse(newSession, { sessionId })
  return chat.change(context, selector, 'session', async () => given)
}

const newSession = v.object({ sessionId: rules.sessionId })

/** Deletes a chat with its messages. @throws not_found, ambiguous */
export const deleteChat = (context: OperationContext, selector: ChatSelector): Promise<Chat> =>
  chat.erase(context, selector)

/**
 * Deletes every chat that the filter selects, in one transaction.
 *
 * @throws invalid (also for an empty filter); not_found, ambiguous for the user or project
 */
export async function pruneChats(context: OperationContext, given: ChatFilter): Promise<PrunedChats> {
  const filter = rules.parseFilter(chatFilter, given)
  if (Object.values(filter).every(value => value === undefined)) {
    throw new LatchkeyError(
      'invalid',
      'without a filter, every chat would be deleted',
      'say which: latchkey chat prune --older-than 90d',
    )
  }
  return context.store.write(async db => {
    const where = await conditionOf(db, filter)
    const pruned = { chats: 0, messages: 0 }
    for (;;) {
      const rows = await db.select().from(chats).where(where).orderBy(asc(chats.id)).limit(batchSize)
      const views = await eraseChats(context, db, rows, 'chat.delete')
      pruned.chats += views.length
      pruned.messages += views.reduce((sum, view) => sum + view.messages, 0)
      if (rows.length < batchSize) return pruned
    }
  })
}

/** Deletes chats with their messages, with an audit row for each. Returns what they were. */
export async function eraseChats(
  context: OperationContext,
  db: Database,
  rows: readonly Row<'chat'>[],
  action: 'chat.delete' | 'chat.undo-import',
): Promise<readonly Chat[]> {
  const views = await chatViews(db, rows)
  await db.delete(chats).where(oneOf(chats.id, idsOf(rows)))
  const events = views.map(before => ({ action, target: targetOf('chat', before), before }))
  await recordAll(context, db, events)
  return views
}

/** @throws not_found, ambiguous */
async function conditionOf(db: Database, filter: ChatFilter): Promise<SQL | undefined> {
  const user = filter.user === undefined ? undefined : await find(db, 'user', filter.user)
  const project = filter.project === undefined ? undefined : await find(db, 'project', filter.project)
  return and(
    user && eq(chats.userId, user.id),
    project && eq(chats.projectId, project.id),
    contains([chats.title], filter.search),
    filter.unchangedSince && lt(chats.updatedAt, filter.unchangedSince.getTime()),
  )
}

function pageOf(
  db: Database,
  where: SQL | undefined,
  sort: ChatSort,
  last: Place | undefined,
  limit: number,
): Promise<readonly Row<'chat'>[]> {
  const byChange = sort === 'updated'
  const beyond =
    last &&
    (byChange
      ? sql`(${chats.updatedAt}, ${chats.id}) < (${last.updatedAt}, ${last.id})`
      : gt(chats.id, last.id))
  return db
    .select()
    .from(chats)
    .where(and(where, beyond))
    .orderBy(...(byChange ? [desc(chats.updatedAt), desc(chats.id)] : [asc(chats.id)]))
    .limit(limit)
}

/** The views of rows, in the same order. */
export async function chatViews(db: Database, rows: readonly Row<'chat'>[]): Promise<readonly Chat[]> {
  const about = await db
    .select({
      id: chats.id,
      username: users.username,
      slug: projects.slug,
      messages: sql<number>`(SELECT ${count()} FROM ${messages} WHERE ${messages.chatId} = ${chats.id})`,
    })
    .from(chats)
    .innerJoin(users, eq(users.id, chats.userId))
    .leftJoin(projects, eq(projects.id, chats.projectId))
    .where(oneOf(chats.id, idsOf(rows)))
  const aboutEach = new Map(about.map(each => [each.id, each]))
  return rows.map(row => {
    const { username = '', slug = null, messages = 0 } = aboutEach.get(row.id) ?? {}
    return {
      id: row.id,
      title: row.title,
      user: { id: row.userId, username },
      project: row.projectId === null || slug === null ? null : { id: row.projectId, slug },
      sessionId: row.sessionId,
      messages,
      createdAt: new Date(row.createdAt),
      updatedAt: new Date(row.updatedAt),
    }
  })
}

export const chat = new Thing('chat', chatViews)
