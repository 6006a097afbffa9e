/** What keys, users, projects, organizations and teams may use within a window. Types only; `src/operations/limits` has the rules. */
import type { LimitState, PutLimit } from '../contract/views.ts'
import type {
  Limited,
  LimitName,
  MembersLimited,
  NewLimit,
  ResetOptions,
} from '../operations/limits/input.ts'

export type {
  Limited,
  LimitName,
  MembersLimited,
  NewLimit,
  ResetOptions,
} from '../operations/limits/input.ts'

/**
 * Limits of one of them: `{ key: 'ci' }`, `{ user: 'alice' }`, `{ project: 'shop' }`, `{ org: 'acme' }`, `{ team: 'Backend' }`; or of
 * one user in a project or an organization: `{ project: 'shop', member: 'bob' }`. All that bind a key bind together. Users who
 * act by `as` need `limit:write`.
 */
export interface Limits {
  /**
   * Adds limits, or changes the amount of those with the same metric, window, models and `each`. All others stay.
   *
   * @throws not_found, ambiguous, invalid, conflict (of a user who was erased), denied
   * @example
   * await latchkey.limits.set({ user: 'alice' }, [{ metric: 'usd', amount: 20, windowMs: 30 * 86_400_000 }])
   */
  readonly set: (limited: Limited, limits: readonly NewLimit[]) => Promise<readonly PutLimit[]>
  /**
   * Removes limits by their metric, or by metric and window.
   *
   * @throws not_found, ambiguous, invalid, denied
   * @example
   * await latchkey.limits.remove({ key: 'ci' }, [{ metric: 'tokens', windowMs: 5 * 3_600_000 }])
   */
  readonly remove: (limited: Limited, names: readonly LimitName[]) => Promise<readonly LimitState[]>
  /**
   * The limits, with what is used and left. For a key all that bind it.
   *
   * @throws not_found, ambiguous
   * @example
   * const [first] = await latchkey.limits.list({ key: 'ci' })
   */
  readonly list: (limited: Limited) => Promise<readonly LimitState[]>
  /**
   * The limits of every single member that has some, by username; of a user, those that bind the user alone somewhere.
   * `subject.member` says whose each is.
   *
   * @throws not_found, ambiguous
   * @example
   * for (const { subject, remaining } of await latchkey.limits.listOfMembers({ org: 'acme' }))
   *   console.log(subject.member?.username, remaining)
   */
  readonly listOfMembers: (limited: MembersLimited) => Promise<readonly LimitState[]>
  /**
   * Resets windows: what was used before no longer counts against the limits. History and totals stay, and reservations
   * of running requests still count.
   *
   * @throws not_found, ambiguous, invalid, conflict (there is no limit to reset), denied
   * @example
   * await latchkey.limits.reset({ key: 'ci' }, { metric: 'tokens' })
   */
  readonly reset: (limited: Limited, options?: ResetOptions) => Promise<readonly LimitState[]>
}
