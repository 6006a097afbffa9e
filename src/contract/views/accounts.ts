/** How users sign in: their accounts and sessions. No token or hash is in any view, but for the token of a new session. */
import { as, choice, extend, flag, integer, nullable, type Of, object, text, time } from '../shape.ts'
import { stamps } from './changes.ts'
import { userRef } from './refs.ts'
import { sessionCodes, sessionStatuses } from './words.ts'

export const account = object('Account', {
  id: text('acc_ and a time-sorted id'),
  user: as(userRef, 'Who signs in with it'),
  provider: text('credential for a password; else the system that it is of, such as github'),
  issuer: text('Who vouches for the account id; local:credential for a password'),
  accountId: text('The id of the user there; of a password, the id here'),
  hasPassword: flag('Whether it is a password'),
  hasTokens: flag('Whether tokens of that system are stored'),
  scope: nullable(text('What the tokens are good for there')),
  ...stamps,
})

export const session = object('Session', {
  id: text('ses_ and a time-sorted id'),
  user: as(userRef, 'Who is signed in'),
  status: choice(sessionStatuses, 'Derived from expiresAt and the status of the user'),
  device: nullable(text('A guess from userAgent, such as Firefox on Linux')),
  ipAddress: nullable(text('Address that it was made from')),
  userAgent: nullable(text('What the program called itself')),
  impersonatedBy: nullable(text('Id of the administrator who acts as the user')),
  expiresAt: time('When it ends'),
  ...stamps,
})

export const createdSession = extend('CreatedSession', session, {
  token: text('What the client sends; shown once'),
})

export const sessionVerdict = object('SessionVerdict', {
  valid: flag('Whether the user is signed in'),
  code: choice(sessionCodes, 'valid, or why not'),
  session: nullable(as(session, 'The session; null if no session has that token')),
})

export const revokedSessions = object('RevokedSessions', {
  sessions: integer('How many sessions ended'),
})

export type Account = Of<typeof account>
export type Session = Of<typeof session>
export type CreatedSession = Of<typeof createdSession>
export type SessionVerdict = Of<typeof sessionVerdict>
export type RevokedSessions = Of<typeof revokedSessions>
