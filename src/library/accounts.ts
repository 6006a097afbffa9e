/** How users sign in: their accounts and sessions. Types only; `src/operations/people` has the rules. */
import type { Account, CreatedSession, RevokedSessions, Session, SessionVerdict } from '../contract/views.ts'
import type {
  AccountList,
  AccountPage,
  NewSession,
  RevokeSessions,
  SessionLife,
  SessionList,
  SessionPage,
  SessionSelector,
  Unlinking,
} from '../operations/people/input.ts'

/** Sessions. One is selected by id, the first characters of the id, or its token as `{ token }`. */
export interface Sessions {
  /**
   * Signs a user in, for seven days unless `forMs` says otherwise. The token is returned here alone; its SHA-256 is stored.
   *
   * @throws invalid, not_found or ambiguous (the user), conflict (a disabled user)
   * @example
   * const { token } = await latchkey.sessions.create({ user: 'alice', userAgent: 'curl/8', ipAddress: '192.0.2.7' })
   */
  readonly create: (session: NewSession) => Promise<CreatedSession>
  /**
   * Whether the token is that of a session that has not expired, of a user who is not disabled. Changes nothing.
   *
   * @throws busy, corrupt
   * @example
   * const { token } = await latchkey.sessions.create({ user: 'alice' })
   * const { valid, session } = await latchkey.sessions.verify(token)
   */
  readonly verify: (token: string) => Promise<SessionVerdict>
  /**
   * Lets a valid session last for seven days, or `forMs`, from now on; never shorter than before.
   *
   * @throws not_found, ambiguous, invalid, conflict (it is not valid)
   * @example
   * const { token } = await latchkey.sessions.create({ user: 'alice' })
   * await latchkey.sessions.extend({ token }, { forMs: 30 * 86_400_000 })
   */
  readonly extend: (session: SessionSelector, life?: SessionLife) => Promise<Session>
  /**
   * Ends a session.
   *
   * @throws not_found, ambiguous
   * @example
   * const { token } = await latchkey.sessions.create({ user: 'alice' })
   * await latchkey.sessions.revoke({ token })
   */
  readonly revoke: (session: SessionSelector) => Promise<Session>
  /**
   * Ends every session that matches the filter, or `all`, in one transaction.
   *
   * @throws invalid (neither a filter nor `all`), not_found or ambiguous (the user)
   * @example
   * const { sessions } = await latchkey.sessions.revokeMatching({ user: 'alice' })
   */
  readonly revokeMatching: (which: RevokeSessions) => Promise<RevokedSessions>
  /**
   * A page of the sessions that match the filter, oldest first, and how many match.
   *
   * @throws invalid, not_found or ambiguous (the user)
   * @example
   * const { sessions, total } = await latchkey.sessions.list({ user: 'alice', limit: 20 })
   */
  readonly list: (page?: SessionPage) => Promise<SessionList>
  /**
   * Streams the sessions of `list` from one snapshot, in constant memory. Without a limit it has all of them.
   *
   * @throws invalid, not_found, ambiguous (when the first is read)
   * @example
   * for await (const { user, device } of latchkey.sessions.stream()) console.log(user.username, device)
   */
  readonly stream: (page?: SessionPage) => AsyncIterable<Session>
  /**
   * One session.
   *
   * @throws not_found, ambiguous
   * @example
   * const { id } = await latchkey.sessions.create({ user: 'alice' })
   * const { expiresAt } = await latchkey.sessions.get(id)
   */
  readonly get: (session: SessionSelector) => Promise<Session>
}

/** Accounts: a row for each way in. An account is selected by id, or the first characters of the id. */
export interface Accounts {
  /**
   * A page of the accounts that match the filter, oldest first, and how many match. Never has a hash or a token.
   *
   * @throws invalid, not_found or ambiguous (the user)
   * @example
   * const { accounts, total } = await latchkey.accounts.list({ user: 'alice' })
   */
  readonly list: (page?: AccountPage) => Promise<AccountList>
  /**
   * Streams the accounts of `list` from one snapshot, in constant memory. Without a limit it has all of them.
   *
   * @throws invalid, not_found, ambiguous (when the first is read)
   * @example
   * for await (const { provider } of latchkey.accounts.stream({ user: 'alice' })) console.log(provider)
   */
  readonly stream: (page?: AccountPage) => AsyncIterable<Account>
  /**
   * One account.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.users.setPassword('alice', 'correct horse battery staple')
   * const { accounts: [password] } = await latchkey.accounts.list({ user: 'alice', provider: 'credential' })
   * if (password) await latchkey.accounts.get(password.id)
   */
  readonly get: (account: string) => Promise<Account>
  /**
   * Takes a way to sign in from its user.
   *
   * @throws not_found, ambiguous, conflict (it is the last one, and `evenLast` is not given)
   * @example
   * await latchkey.users.setPassword('alice', 'correct horse battery staple')
   * const { accounts: [password] } = await latchkey.accounts.list({ user: 'alice', provider: 'credential' })
   * if (password) await latchkey.accounts.unlink(password.id, { evenLast: true })
   */
  readonly unlink: (account: string, options?: Unlinking) => Promise<Account>
}
