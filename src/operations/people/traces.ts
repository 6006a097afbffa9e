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
  gt,
  holds,
  isNotNull,
  isNull,
  lowerAscii,
  lte,
  ne,
  not,
  notInArray,
  oneOf,
  oneOfNames,
  or,
  type SQL,
  sql,
} from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { chats } from '../../db/schema/chats.ts'
import { keys } from '../../db/schema/keys.ts'
import { users } from '../../db/schema/people.ts'
import { series } from '../../db/schema/usage.ts'
import { word } from '../../db/words.ts'
import type { Row } from '../nouns.ts'
import { sameText } from '../select.ts'
import { verificationsOf } from './verifications.ts'

/** A place in the audit log. */
interface Moment {
  readonly seq: number
  readonly at: number
}

/** What a user is or was called. One text may be there more than once, if others were called so in between. */
export interface Called {
  readonly text: string
  /** When it last meant somebody else before it meant this user. */
  readonly since?: Moment | undefined
  /** When it last meant this user, if it meant somebody else afterwards. */
  readonly until?: Moment | undefined
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
  return {
    id,
    usernames: await calledBy(db, user, 'username'),
    emails: await calledBy(db, user, 'email'),
    keys: await thingsOf(db, 'key', keys, id),
    chats: await thingsOf(db, 'chat', chats, id),
  }
}

/**
 * A field of a view in the audit log; null where there is none. PostgreSQL takes no field of JSON in which an escape is of NUL or
 * of half a character, as contents may have it: it reads another character there.
 */
const fieldOf = (view: Column, ...path: readonly string[]): SQL =>
  path.reduce<SQL>(
    (json, field, n) => (n < path.length - 1 ? sql`${json} -> ${field}` : sql`${json} ->> ${field}`),
    sql`replace(replace(${view}, ${'\\u0000'}, ${'\\u0001'}), ${'\\ud'}, ${'\\u0'})${word('asJson')}`,
  )

async function calledBy(
  db: Database,
  user: Row<'user'>,
  field: 'username' | 'email',
): Promise<readonly Called[]> {
  const own = await tellings(db, field, eq(audit.targetId, user.id))
  const texts = [...new Set([user[field] ?? [], ...own.map(each => each.texts)].flat())]
  const others = await tellings(
    db,
    field,
    and(
      ne(audit.targetId, user.id),
      or(
        oneOfNames(fieldOf(audit.before, field), texts),
        oneOfNames(fieldOf(audit.after, field), texts),
        field === 'username' ? oneOfNames(audit.targetName, texts) : undefined,
      ),
    ),
  )
  const told = [...own, ...others].sort((a, b) => a.seq - b.seq)
  const called: Called[] = []
  for (const text of texts) {
    const isOwn = user[field] !== null && lowerAscii(user[field]) === lowerAscii(text)
    const hasOther =
      !isOwn && (await db.$count(users, and(sameText(users[field], text), ne(users.id, user.id)))) > 0
    called.push(...meanings(text, told, user.id, { isOwn, hasOther }))
  }
  return called
}

/** A row of the audit log about a user, and what it calls them. */
interface Telling extends Moment {
  readonly userId: string
  readonly texts: readonly string[]
}

async function tellings(
  db: Database,
  field: 'username' | 'email',
  where: SQL | undefined,
): Promise<readonly Telling[]> {
  const { seq, at, targetId: userId, targetName, before, after } = audit
  const rows = await db
    .select({ seq, at, userId, targetName, before, after })
    .from(audit)
    .where(and(eq(audit.targetType, 'user'), where))
    .orderBy(asc(seq))
  return rows.map(({ targetName, before, after, ...row }) => {
    const views = [before, after].map(view => (view === null ? undefined : JSON.parse(view)?.[field]))
    const texts = field === 'username' ? [...views, targetName] : views
    return { ...row, texts: texts.filter(text => typeof text === 'string') }
  })
}

/** When a text meant the user. What the log tells of nobody else is theirs without end. */
function meanings(
  text: string,
  told: readonly Telling[],
  userId: string,
  { isOwn, hasOther }: { readonly isOwn: boolean; readonly hasOther: boolean },
): readonly Called[] {
  const runs: Called[] = []
  let since: Moment | undefined
  let run: { last: Moment | undefined } | undefined
  const end = () => {
    if (run !== undefined) runs.push({ text, since, until: run.last })
    run = undefined
  }
  for (const each of told) {
    if (!each.texts.some(one => lowerAscii(one) === lowerAscii(text))) continue
    const { seq, at } = each
    if (each.userId === userId) run = { last: { seq, at } }
    else {
      end()
      since = { seq, at }
    }
  }
  if (hasOther) end()
  else if (isOwn || run !== undefined) runs.push({ text, since })
  return runs
}

/** Things of the user, and deleted ones that the audit log or the usage says were theirs, to the end. */
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
        isNotNull(before),
        not(isOf(before, userId)),
      ),
    )
  const isNotGiven = (thing: Column) => and(notInArray(thing, ofOthers), notInArray(thing, deletedOfOthers))
  const told = await db
    .selectDistinct({ id: targetId })
    .from(audit)
    .where(and(eq(targetType, noun), or(isOf(before, userId), isOf(after, userId)), isNotGiven(targetId)))
  const used =
    noun === 'key'
      ? await db
          .selectDistinct({ id: series.keyId })
          .from(series)
          .where(and(usedLast(userId), isNotGiven(series.keyId)))
      : []
  return [...new Set([...theirs, ...told, ...used].map(({ id }) => id))]
}

/** Of each key the series that the user used it in, if nobody else did later. A pruned audit log tells less. */
const usedLast = (userId: string): SQL | undefined =>
  and(
    eq(series.userId, userId),
    sql`NOT EXISTS (SELECT 1 FROM ${series} later WHERE later.key_id = ${series.keyId}
      AND later.user_id <> ${userId} AND later.id > ${series.id})`,
  )

/** Whether a view of a key or chat says that it is the user's. */
const isOf = (view: Column, userId: string): SQL =>
  hasAt(view, userId, [
    ['user', 'id'],
    ['owner', 'id'],
  ])

/** Whether a view has the id in one of the fields, which are read only where the id is in it. */
const hasAt = (view: Column, id: string, paths: readonly (readonly string[])[]): SQL =>
  sql`(${holds(view, id)} AND ${id} IN (${sql.join(
    paths.map(path => sql`coalesce(${fieldOf(view, ...path)}, '')`),
    sql`, `,
  )}))`

/** Rows of the audit log that the user wrote under a name. What was done for them as a user has their id, which stays. */
export const writtenBy = ({ usernames }: Traces): SQL | undefined =>
  calledIn(audit.actor, audit.seq, usernames)

/** Whether the user is called so now, and so is whoever acts under that name. */
export const isCalled = ({ usernames }: Traces, name: string): boolean =>
  usernames.some(({ text, until }) => until === undefined && lowerAscii(text) === lowerAscii(name))

/**
 * Rows of the audit log that tell of the user, or of a key or chat of theirs. Rows name a user with the id, but for who was
 * given everything, and who was invited. The same words elsewhere are names of other things, or their contents.
 */
export function tellingOf({ id, usernames, emails, ...things }: Traces): SQL | undefined {
  const { action, targetType, targetId, before, after, seq } = audit
  const invited = [before, after].flatMap(view =>
    [fieldOf(view, 'email'), fieldOf(view, 'invitation', 'email')].map(email => calledIn(email, seq, emails)),
  )
  return or(
    oneOf(targetId, [id, ...things.keys, ...things.chats]),
    refersTo(before, id),
    refersTo(after, id),
    and(eq(action, 'user.offboard'), calledIn(fieldOf(after, 'to'), seq, usernames)),
    and(eq(targetType, 'org'), or(...invited)),
  )
}

/** Where views have the id of a user; anywhere else it is content of the thing, such as metadata. */
const referring = [
  ['user', 'id'],
  ['owner', 'id'],
  ['inviter', 'id'],
  ['userId'],
  ['member', 'userId'],
  ['team_member', 'userId'],
  ['invitation', 'inviterId'],
  ['impersonatedBy'],
  ['session', 'impersonatedBy'],
]

const refersTo = (view: Column, id: string): SQL | undefined =>
  or(
    hasAt(view, id, referring),
    and(eq(audit.targetType, 'project'), holds(view, `{"user":{"id":"${id}",`)),
    // What a restore brought back.
    holds(view, `{"kind":"user","id":"${id}",`),
  )

/** Rows that have one of the names in a column, written while it meant the user. @param order the column that says when */
export function calledIn(column: Column | SQL, order: Column, names: readonly Called[]): SQL {
  const when = order === audit.seq ? 'seq' : 'at'
  const spelled = (text: string) => [text, text.normalize('NFC')]
  const [always, sometimes] = [true, false].map(isAlways =>
    names.filter(({ since, until }) => (since === undefined && until === undefined) === isAlways),
  ) as [Called[], Called[]]
  return (
    or(
      oneOfNames(
        column,
        always.flatMap(({ text }) => spelled(text)),
      ),
      ...sometimes.map(({ text, since, until }) =>
        and(
          oneOfNames(column, spelled(text)),
          since && gt(order, since[when]),
          until && lte(order, until[when]),
        ),
      ),
    ) ?? sql`1 = 0`
  )
}

/** Whether a name meant the user at a time. */
export const meantAt = ({ since, until }: Called, at: number): boolean =>
  (since === undefined || at > since.at) && (until === undefined || at <= until.at)

/** What is to be confirmed at an address that nobody else has now. */
export const toConfirm = ({ id, emails }: Traces): SQL | undefined =>
  verificationsOf(
    id,
    emails.flatMap(({ text, until }) => (until === undefined ? [text] : [])),
  )
