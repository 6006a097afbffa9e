/**
 * Takes over chats with their messages, and takes them back. A chat comes once: what is said in it later, here or in the source,
 * stays where it was said, and one that is deleted here does not come back. So a chat is remembered twice: what it was in the
 * source goes with it (`imported_chats`), and that it came goes with its user (`imported_rows`).
 */
import * as v from 'valibot'
import type { ImportItem, ImportUndoItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, idsOf, isNull, not, oneOf } from '../../db/query.ts'
import { chats, messages } from '../../db/schema/chats.ts'
import { importedChats, importedRows, imports } from '../../db/schema/imports.ts'
import type { ForeignChat, ForeignMessage } from '../../formats/foreign-data.ts'
import { many } from '../../text/quantity.ts'
import { recordAll } from '../audit.ts'
import { chatViews, eraseChats } from '../chats/chats.ts'
import { newMessage } from '../chats/input.ts'
import type { OperationContext } from '../context.ts'
import { targetOf } from '../nouns.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import type { Owner, Stamp } from './plan.ts'
import { read } from './state.ts'
import type { SourceSecrets } from './texts.ts'

interface ChatPlan {
  readonly item: ImportItem
  /** Missing if nothing is written. */
  readonly chat?: typeof chats.$inferInsert
  readonly from: ForeignChat
}

/** @param owners the users after the import, by their ids in the source */
export async function planChats(
  db: Database,
  { source, now }: Stamp,
  incoming: readonly ForeignChat[],
  owners: ReadonlyMap<string, Owner>,
  secrets: SourceSecrets,
): Promise<readonly ChatPlan[]> {
  if (incoming.length === 0) return []
  const known = new Map(
    (await db.select().from(importedChats).where(eq(importedChats.source, source))).map(row => [
      row.foreignId,
      read(chatState, row.state, row.chatId),
    ]),
  )
  const cameOnce = await db
    .select({ foreignId: importedRows.foreignId })
    .from(importedRows)
    .innerJoin(imports, eq(imports.id, importedRows.importId))
    .where(and(eq(imports.source, source), isChat))
  const came = new Set(cameOnce.map(({ foreignId }) => foreignId))
  return incoming.map(from => {
    const { id, sessionId } = from
    const { refusal, fields, remarks } = secrets.sift({ id, title: from.title, 'session id': sessionId }, [
      'title',
      'session id',
    ])
    const title = titleOf(fields.title ?? '')
    const plan = (outcome: ImportItem['outcome'], reason: string | null): ChatPlan => ({
      item: { type: 'chat', name: title, outcome, reason },
      from,
    })
    if (refusal !== null) return plan('refused', refusal)
    const last = known.get(from.id)
    if (last === undefined && came.has(from.id))
      return plan('unchanged', 'deleted here since it was imported')
    known.set(from.id, last ?? { messages: from.messages.length, updatedAt: 0 })
    if (last !== undefined) {
      const newer = from.messages.length - last.messages
      return plan(
        'unchanged',
        newer > 0 ? `imported before; ${many(newer, 'newer message')} left there` : null,
      )
    }
    const owner = from.userId === null ? undefined : owners.get(from.userId)
    if (owner === undefined) return plan('refused', 'its user is not in the source')
    const problem = from.problem ?? from.messages.map(problemOf).find(each => each !== undefined)
    if (problem !== undefined) return plan('refused', problem)
    const createdAt = from.createdAt ?? now.getTime()
    const about = `belongs to ${owner.username}, ${many(from.messages.length, 'message')}`
    return {
      ...plan('created', [about, ...remarks].join('; ')),
      chat: {
        id: newId('cht', now),
        userId: owner.id,
        title,
        sessionId: orNull(rules.sessionId, fields['session id']),
        createdAt,
        updatedAt: Math.max(createdAt, from.updatedAt ?? 0),
      },
    }
  })
}

/** Of entries that say that a chat came. */
const isChat = eq(importedRows.type, 'chat')

const chatState = v.object({
  /** How many the source had. */
  messages: v.number(),
  /** When it was last changed, as it was imported. */
  updatedAt: v.number(),
})

/** The usual title for one that cannot be stored. */
function titleOf(title: string): string {
  const line = title
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200)
  return orNull(rules.chatTitle, line) ?? 'New Chat'
}

function orNull<T>(rule: rules.Rule<T>, value: unknown): T | null {
  const result = v.safeParse(rule, value)
  return result.success ? result.output : null
}

function problemOf(message: ForeignMessage, index: number): string | undefined {
  const result = rules.check(newMessage, message)
  if (result.success) return undefined
  const [issue] = result.issues
  return `the ${v.getDotPath(issue)} of message ${index + 1} ${issue.message}`
}

/** Writes the new chats, with an audit row for each. */
export async function writeChats(
  context: OperationContext,
  db: Database,
  { source, importId, now }: Stamp,
  plans: readonly ChatPlan[],
): Promise<void> {
  const made = plans.flatMap(({ chat, from }) => (chat === undefined ? [] : [{ chat, from }]))
  for (const some of inChunks(made)) {
    await db.insert(chats).values(some.map(({ chat }) => chat))
    await db.insert(importedChats).values(
      some.map(({ chat, from }) => {
        const state = { messages: from.messages.length, updatedAt: chat.updatedAt }
        return { source, foreignId: from.id, chatId: chat.id, importId, state }
      }),
    )
    await db.insert(importedRows).values(
      some.map(({ chat: { id, userId }, from }) => ({
        importId,
        type: 'chat',
        foreignId: from.id,
        targetId: id,
        userId,
        action: 'created' as const,
        state: {},
        after: {},
      })),
    )
    for (const { chat, from } of some) {
      const rows = from.messages.map((message, index) => ({
        id: newId('msg', now),
        chatId: chat.id,
        position: index + 1,
        ...v.parse(newMessage, message),
        createdAt: message.createdAt ?? chat.createdAt,
      }))
      for (const part of inChunks(rows)) await db.insert(messages).values(part)
    }
    const views = await chatViews(db, await rowsOf(db, idsOf(some.map(({ chat }) => chat))))
    const events = views.map(after => ({
      action: 'chat.import' as const,
      target: targetOf('chat', after),
      after,
    }))
    await recordAll(context, db, events)
  }
}

interface ChatUndo {
  readonly id: string
  readonly item: ImportUndoItem & { readonly outcome: 'removed' | 'kept' | 'gone' }
}

/** What undoing an import does to each chat that it created. */
export async function planChatUndo(db: Database, importId: string): Promise<readonly ChatUndo[]> {
  const rows = await db
    .select({ id: chats.id, title: chats.title, updatedAt: chats.updatedAt, state: importedChats.state })
    .from(importedChats)
    .innerJoin(chats, eq(chats.id, importedChats.chatId))
    .where(eq(importedChats.importId, importId))
    .orderBy(asc(chats.id))
  const here = rows.map(({ id, title, updatedAt, state }): ChatUndo => {
    const isSame = read(chatState, state, id).updatedAt === updatedAt
    const outcome = isSame ? ('removed' as const) : ('kept' as const)
    return { id, item: { type: 'chat', name: title, outcome, reason: isSame ? null : 'changed here since' } }
  })
  const deleted = await db
    .select({ id: importedRows.targetId })
    .from(importedRows)
    .leftJoin(chats, eq(chats.id, importedRows.targetId))
    .where(and(eq(importedRows.importId, importId), isChat, isNull(chats.id)))
    .orderBy(asc(importedRows.targetId))
  const gone = deleted.map(
    ({ id }): ChatUndo => ({
      id,
      item: { type: 'chat', name: id, outcome: 'gone', reason: 'deleted here since' },
    }),
  )
  return [...here, ...gone]
}

/** Removes the chats, and forgets all that are not kept. */
export async function removeChats(
  context: OperationContext,
  db: Database,
  undos: readonly ChatUndo[],
): Promise<void> {
  for (const some of inChunks(undos.filter(({ item }) => item.outcome !== 'kept'))) {
    await eraseChats(context, db, await rowsOf(db, idsOf(some)), 'chat.undo-import')
    await db.delete(importedRows).where(and(isChat, oneOf(importedRows.targetId, idsOf(some))))
  }
}

/** The users who keep a chat that is not removed. */
export const usersWithChats = async (db: Database, undos: readonly ChatUndo[]) => {
  const going = undos.flatMap(({ id, item }) => (item.outcome === 'removed' ? [id] : []))
  return db
    .selectDistinct({ id: chats.userId })
    .from(chats)
    .where(not(oneOf(chats.id, going)))
}

const rowsOf = (db: Database, ids: readonly string[]) =>
  db.select().from(chats).where(oneOf(chats.id, ids)).orderBy(asc(chats.id))
