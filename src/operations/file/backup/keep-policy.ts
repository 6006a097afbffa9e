/** Which backups are kept, as it is configured or typed. */

/** How many to keep of each; Infinity for all. */
export interface KeepPolicy {
  /** The newest ones. */
  readonly last?: number | undefined
  /** Of that many hours that have any, the newest one each. */
  readonly hourly?: number | undefined
  /** The newest one of each of that many days that have any. */
  readonly daily?: number | undefined
  /** Weeks of ISO 8601, from Monday. */
  readonly weekly?: number | undefined
  /** The newest one of each of that many months that have any. */
  readonly monthly?: number | undefined
  /** The newest one of each of that many years that have any. */
  readonly yearly?: number | undefined
  /** All that are at most so many milliseconds older than the newest. */
  readonly withinMs?: number | undefined
}
