/**
 * Sessions of users. The token is the caller's; what is stored is its SHA-256. Whether a session is valid is judged each time, by
 * its expiry and by the status of its user.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type {
  CreatedSession,
  RevokedSessions,
  Session,
  SessionCode,
  SessionVerdict,
} from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, eq, gt, idsOf, lte, oneOf, type SQL } from '../../db/query.ts'
import { sessions } from '../../db/schema/accounts.ts'
import { users } from '../../db/schema/people.ts'
import { lineOf } from '../../text/shell-word.ts'
import { type Event, record, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { targetOf } from '../nouns.ts'
import { batchSize, paged } from '../page.ts'
import { deviceOf } from '../rules/device.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { hashSecret, randomBase62 } from '../rules/secrets.ts'
import { byId, find, oneById } from '../select.ts'
import {
  allSessions,
  type NewSession,
  newSession,
  type RevokeSessions,
  type SessionFilter,
  type SessionLife,
  type SessionPage,
  type SessionSelector,
  sessionFilter,
  sessionLife,
} from './input.ts'
import { findRecipient } from './recipient.ts'
import { isDisabled } from './status.ts'

/** @throws invalid; not_found, ambiguous for the user; conflict (a disabled or erased user) */
export async function createSession(context: OperationContext, input: NewSession): Promise<CreatedSession> {
  const { user: selector, forMs, ipAddress = null, userAgent = null } = rules.parse(newSession, input)
  const token = randomBase62(32)
  const now = context.now()
  const at = now.getTime()
  return context.store.write(async db => {
    const user = await findRecipient(db, selector)
    if (isDisabled(user, now)) throw refused(user.username)
    const by = input.impersonatedBy
    const impersonatedBy = by === undefined ? null : (await find(db, 'user', by)).id
    const row = {
      id: newId('ses', now),
      userId: user.id,
      tokenHash: hashSecret(token),
      expiresAt: at + forMs,
      ipAddress,
      userAgent,
      impersonatedBy,
      createdAt: at,
      updatedAt: at,
    }
    await db.insert(sessions).values(row)
    const after = viewOf({ id: row.id, session: row, user }, now)
    await record(context, db, { action: 'user.session-create', target: targetOf('user', user), after })
    return { ...after, token }
  })
}

/** Changes nothing. An unknown token, an expired session and that of a disabled user are told apart. */
export function verifySession(context: OperationContext, token: string): Promise<SessionVerdict> {
  return context.store.read(async db => {
    const [found] = await rowsOf(db, eq(sessions.tokenHash, hashSecret(token)))
    if (found === undefined) return { valid: false, code: 'not_found', session: null }
    const session = viewOf(found, context.now())
    return { valid: session.status === 'valid', code: session.status, session }
  })
}

/**
 * Lets a valid session last for as long from now on, and never shorter than before.
 *
 * @throws not_found, ambiguous, invalid, conflict (the session is not valid)
 */
export function extendSession(
  context: OperationContext,
  selector: SessionSelector,
  options: SessionLife = {},
): Promise<Session> {
  const { forMs } = rules.parse(sessionLife, options)
  return context.store.write(async db => {
    const now = context.now()
    const found = await findSession(db, selector)
    const before = viewOf(found, now)
    if (before.status !== 'valid') throw ended(before)
    const expiresAt = Math.max(found.session.expiresAt, now.getTime() + forMs)
    const session = { ...found.session, expiresAt, updatedAt: now.getTime() }
    await db
      .update(sessions)
      .set({ expiresAt, updatedAt: session.updatedAt })
      .where(eq(sessions.id, found.id))
    const after = viewOf({ ...found, session }, now)
    const target = targetOf('user', found.user)
    await record(context, db, { action: 'user.session-extend', target, before, after })
    return after
  })
}

/** Ends a session: its token is unknown from now on. @throws not_found, ambiguous */
export function revokeSession(context: OperationContext, selector: SessionSelector): Promise<Session> {
  return context.store.write(async db => {
    const [ended] = await end(context, db, [await findSession(db, selector)])
    if (ended === undefined) throw new Error('a session was ended, but not returned')
    return ended
  })
}

/**
 * Ends every session that the filter selects, in one transaction.
 *
 * @throws invalid (also for an empty filter); not_found, ambiguous for the user
 */
export function revokeSessions(context: OperationContext, given: RevokeSessions): Promise<RevokedSessions> {
  const { all } = rules.parse(allSessions, given)
  const filter = rules.parseFilter(sessionFilter, given)
  if (!all && Object.values(filter).every(value => value === undefined)) {
    throw new LatchkeyError(
      'invalid',
      'without a filter, every session would end',
      'say which: latchkey session revoke --user alice, --expired or --all',
    )
  }
  return context.store.write(async db => {
    const where = await conditionOf(context, db, filter)
    for (let ended = 0; ; ) {
      const found = await rowsOf(db, where, batchSize)
      await end(context, db, found)
      ended += found.length
      if (found.length < batchSize) return { sessions: ended }
    }
  })
}

/** Oldest first. @throws invalid; not_found, ambiguous for the user */
export const sessionList = paged('sessions', (context, given: SessionPage = {}) => {
  const { limit, after, ...filter } = rules.parsePage(sessionFilter, given)
  return {
    limit,
    open: async db => {
      const where = await conditionOf(context, db, filter)
      return {
        after,
        read: async (last: string | undefined, size: number) => {
          const beyond = last === undefined ? undefined : gt(sessions.id, last)
          return (await rowsOf(db, and(where, beyond), size)).map(each => viewOf(each, context.now()))
        },
        keyOf: ({ id }: Session) => id,
        total: () => db.$count(sessions, where),
      }
    },
  }
})

/** @throws not_found, ambiguous */
export const getSession = (context: OperationContext, selector: SessionSelector): Promise<Session> =>
  context.store.read(async db => viewOf(await findSession(db, selector), context.now()))

/** @throws not_found, ambiguous */
async function conditionOf(
  { now }: OperationContext,
  db: Database,
  { user, expired }: SessionFilter,
): Promise<SQL | undefined> {
  return and(
    user === undefined ? undefined : eq(sessions.userId, (await find(db, 'user', user)).id),
    expired === undefined ? undefined : (expired ? lte : gt)(sessions.expiresAt, now().getTime()),
  )
}

interface Found {
  readonly id: string
  readonly session: Pick<
    typeof sessions.$inferSelect,
    'expiresAt' | 'ipAddress' | 'userAgent' | 'impersonatedBy' | 'createdAt' | 'updatedAt'
  >
  readonly user: Pick<typeof users.$inferSelect, 'id' | 'username' | 'disabledAt' | 'disabledUntil'>
}

const rowsOf = (db: Database, where: SQL | undefined, limit: number = batchSize): Promise<readonly Found[]> =>
  db
    .select({ id: sessions.id, session: sessions, user: users })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(where)
    .orderBy(asc(sessions.id))
    .limit(limit)

function findSession(db: Database, selector: SessionSelector): Promise<Found> {
  const isMeant =
    typeof selector === 'string'
      ? byId(sessions.id, selector, 'ses')
      : eq(sessions.tokenHash, hashSecret(selector.token))
  return oneById('session', isMeant, where => rowsOf(db, where, 2))
}

/** Deletes sessions, with an audit row for each. Returns what they were. */
async function end(
  context: OperationContext,
  db: Database,
  found: readonly Found[],
): Promise<readonly Session[]> {
  const views = found.map(each => viewOf(each, context.now()))
  await db.delete(sessions).where(oneOf(sessions.id, idsOf(views)))
  const events = views.map((before): Event => {
    const target = { type: 'user', id: before.user.id, name: before.user.username }
    return { action: 'user.session-revoke', target, before }
  })
  await recordAll(context, db, events)
  return views
}

function viewOf({ id, session, user }: Found, now: Date): Session {
  return {
    id,
    user: { id: user.id, username: user.username },
    status: statusOf(session.expiresAt, user, now),
    device: deviceOf(session.userAgent),
    ipAddress: session.ipAddress,
    userAgent: session.userAgent,
    impersonatedBy: session.impersonatedBy,
    expiresAt: new Date(session.expiresAt),
    createdAt: new Date(session.createdAt),
    updatedAt: new Date(session.updatedAt),
  }
}

function statusOf(expiresAt: number, user: Found['user'], now: Date): Exclude<SessionCode, 'not_found'> {
  if (expiresAt <= now.getTime()) return 'expired'
  return isDisabled(user, now) ? 'user_disabled' : 'valid'
}

const refused = (username: string): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `${username} is disabled, and cannot sign in`,
    `enable the user first: ${lineOf('user enable', username)}`,
  )

const ended = ({ id, status }: Session): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    `the session ${id} is not valid: ${status}`,
    'let the user sign in again; sessions are listed by: latchkey session list',
  )
