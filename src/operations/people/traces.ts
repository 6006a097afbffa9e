/**
 * What tells of a user besides the rows that refer to them: every name and address they had, and the keys and chats that were
 * theirs, deleted ones among them. The audit log knows, so ask before it is erased.
 */
import type { Database } from '../../db/engine.ts'
import {
  and,
  asc,
  type Column,
  eq,
  holds,
  isNull,
  lowerAscii,
  lte,
  ne,
  not,
  notInArray,
  oneOf,
  or,
  type SQL,
  sql,
} from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { chats } from '../../db/schema/chats.ts'
import { keys } from '../../db/schema/keys.ts'
import { users } from '../../db/schema/people.ts'
import type { Row } from '../nouns.ts'
import { sameText } from '../select.ts'
import { verificationsOf } from './verifications.ts'

/** What a user is or was called. */
export interface Called {
  readonly text: string
  /** When it last meant this user, if it means another one now. */
  readonly until?: { readonly seq: number; readonly at: number } | undefined
}

export interface Traces {
  readonly id: string
  readonly usernames: readonly Called[]
  readonly emails: readonly Called[]
  /** Ids of keys and chats; those that somebody else got since are not among them. */
  readonly keys: readonly string[]
  readonly chats: readonly string[]
}

export async function tracesOf(db: Database, user: Row<'user'>): Promise<Traces> {
  const { id } = user
  const { seq, at, targetName: username, before, after } = audit
  const rows = await db
    .select({ seq, at, username, before, after })
    .from(audit)
    .where(and(eq(audit.targetType, 'user'), eq(audit.targetId, id)))
    .orderBy(asc(seq))
  const seen = (field: 'username' | 'email') => {
    const last = new Map<string, NonNullable<Called['until']>>()
    for (const { seq, at, before, after, ...row } of rows) {
      const texts = [before, after].map(view => (view === null ? undefined : JSON.parse(view)?.[field]))
      for (const text of field === 'username' ? [...texts, row.username] : texts)
        if (typeof text === 'string') last.set(text, { seq, at })
    }
    return last
  }
  const called = async (field: 'username' | 'email'): Promise<readonly Called[]> => {
    const last = seen(field)
    const now = user[field]
    if (now !== null) last.delete(now)
    const texts: Called[] = now === null ? [] : [{ text: now }]
    for (const [text, until] of last) {
      const others = await db.$count(users, and(sameText(users[field], text), ne(users.id, id)))
      texts.push(others > 0 ? { text, until } : { text })
    }
    return texts
  }
  return {
    id,
    usernames: await called('username'),
    emails: await called('email'),
    keys: await thingsOf(db, 'key', keys, id),
    chats: await thingsOf(db, 'chat', chats, id),
  }
}

/** Things of the user, and deleted ones that the audit log says were theirs, to the end. */
async function thingsOf(
  db: Database,
  noun: 'key' | 'chat',
  table: typeof keys | typeof chats,
  userId: string,
): Promise<readonly string[]> {
  const { targetType, targetId, action, before, after } = audit
  const theirs = await db.select({ id: table.id }).from(table).where(eq(table.userId, userId))
  const ofOthers = db
    .select({ id: table.id })
    .from(table)
    .where(or(isNull(table.userId), ne(table.userId, userId)))
  const deletedOfOthers = db
    .select({ id: targetId })
    .from(audit)
    .where(
      and(
        eq(targetType, noun),
        or(eq(action, `${noun}.delete`), eq(action, `${noun}.undo-import`)),
        not(holds(before, userId)),
      ),
    )
  const told = await db
    .selectDistinct({ id: targetId })
    .from(audit)
    .where(
      and(
        eq(targetType, noun),
        or(holds(before, userId), holds(after, userId)),
        notInArray(targetId, ofOthers),
        notInArray(targetId, deletedOfOthers),
      ),
    )
  return [...new Set([...theirs, ...told].map(({ id }) => id))]
}

/** Rows of the audit log that the user wrote under a name. What was done for them as a user has their id, which stays. */
export const writtenBy = ({ usernames }: Traces): SQL | undefined =>
  or(...usernames.map(name => during(sameText(audit.actor, name.text), name)))

/** Rows of the audit log that tell of the user, or of a key or chat of theirs. */
export function tellingOf({ id, usernames, emails, ...things }: Traces): SQL | undefined {
  return or(
    oneOf(audit.targetId, [id, ...things.keys, ...things.chats]),
    holds(audit.before, id),
    holds(audit.after, id),
    ...[...usernames, ...emails].map(name =>
      during(or(tells(audit.before, name.text), tells(audit.after, name.text)), name),
    ),
  )
}

/** Fields of views that hold words of the program and names of roles, which a user can be called like. */
const wordFields = ['role', 'status', 'state', 'type', 'metric', 'period', 'action', 'outcome', 'source']

/** Whether a view has the text as the value of a field that may name somebody, whatever the case. */
function tells(view: Column, text: string): SQL {
  const quoted = lowerAscii(JSON.stringify(text))
  const rest = wordFields.reduce<SQL>(
    (left, field) => sql`replace(${left}, ${`"${field}":${quoted}`}, '')`,
    sql`lower(${view})`,
  )
  return holds(rest, quoted)
}

const during = (condition: SQL | undefined, { until }: Called): SQL | undefined =>
  until === undefined ? condition : and(condition, lte(audit.seq, until.seq))

/** Rows of another table that have one of the names in a column, written while it meant the user. */
export const calledIn = (column: Column, at: Column, names: readonly Called[]): SQL =>
  or(
    ...names.map(({ text, until }) =>
      until === undefined ? sameText(column, text) : and(sameText(column, text), lte(at, until.at)),
    ),
  ) ?? sql`1 = 0`

/** What is to be confirmed at an address that nobody else has now. */
export const toConfirm = ({ emails }: Traces): SQL =>
  or(...emails.flatMap(({ text, until }) => (until === undefined ? [verificationsOf(text)] : []))) ??
  sql`1 = 0`
