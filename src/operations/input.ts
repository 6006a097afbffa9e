/** What operations in several parts of the domain take. Types alone. */
import type { Origin } from '../contract/views.ts'

/** Text that selects, or the secret of a key. */
export type KeySelector = string | { readonly secret: string }

export interface CreateOptions {
  /** What has that name already is returned, with `created: false`, when all that was named of it is so. */
  readonly ifNotExists?: boolean | undefined
}

export interface AuditFilter {
  /** First moment that counts. */
  readonly since?: Date | undefined
  /** First moment that no longer counts. */
  readonly until?: Date | undefined
  /** Who made the change. */
  readonly actor?: string | undefined
  /** An action such as `key.rotate`, or a noun alone for all its actions. */
  readonly action?: string | undefined
  /** Id or name of what was acted on. */
  readonly target?: string | undefined
  /** At most this many rows, the newest; default 100. */
  readonly limit?: number | undefined
}

export interface Actor {
  /** Who the audit trail names. */
  readonly name: string
  /** From where: a terminal, cron, a service, a script or the library. */
  readonly origin: Origin
}
