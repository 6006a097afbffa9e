/** Inputs that several groups of operations share. Only types. */
import type { Capacity, Origin } from '../contract/views.ts'

/** Text that selects, or the secret of a key. */
export type KeySelector = string | { readonly secret: string }

/** Text that selects a chat, among all or among those of a user. */
export type ChatSelector = string | { readonly chat: string; readonly user: string }

/** Text that selects a team, among all or among those of an organization. */
export type TeamSelector = string | { readonly team: string; readonly org: string }

/** Text that selects a role, among all or among those that members of an organization can have. */
export type RoleSelector = string | { readonly role: string; readonly org: string }

/** A page of a list, and how many match on all pages. */
export type PageOf<Name extends string, View> = { readonly [N in Name]: readonly View[] } & {
  readonly total: number
}

export interface CreateOptions {
  /** If the name exists and everything given matches, return the existing thing with `created: false`. */
  readonly ifNotExists?: boolean | undefined
}

export interface AuditFilter {
  /** Start, inclusive. */
  readonly since?: Date | undefined
  /** End, exclusive. */
  readonly until?: Date | undefined
  /** Who made the change. */
  readonly actor?: string | undefined
  /** As what it was made. */
  readonly as?: Capacity | undefined
  /** An action such as `key.rotate`, or a noun alone for all its actions. */
  readonly action?: string | undefined
  /** Id or name of what was acted on. */
  readonly target?: string | undefined
  /** At most this many rows, the newest; default 100. */
  readonly limit?: number | undefined
}

export type AuditPage = AuditFilter & {
  /** Only changes that come after this one in the list, by its id. */
  readonly after?: string | undefined
}

export interface AuditCheckInput {
  /** A backup to compare with: its id, its file, or `latest`. It shows whether the newest rows were cut off. */
  readonly against?: string | undefined
  /** The folder or bucket of that backup; default: where backups are. */
  readonly from?: string | undefined
}

export interface AuditPruning {
  /** Rows from before this are removed. */
  readonly before: Date
}

export interface Actor {
  /** The name in the audit log. */
  readonly name: string
  /** From where: a terminal, cron, a service, a script or the library. */
  readonly origin: Origin
  /** The user for whom it is done, who needs the permission. Left out: an operator, who is above all. */
  readonly user?: string | undefined
}
