/** Inputs that several groups of operations share. */
import * as v from 'valibot'
import { capacities } from '../contract/views/words.ts'
import type { Capacity, Origin } from '../contract/views.ts'
import * as rules from './rules/input.ts'

/** Text that selects, or the secret of a key. */
export type KeySelector = string | { readonly secret: string }

/** It is checked when the key is looked up. */
export const keySelector = v.custom<KeySelector>(() => true)

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

export const createOptions = v.object({
  /** If the name exists and everything given matches, return the existing thing with `created: false`. */
  ifNotExists: v.optional(v.boolean(), false),
})
export type CreateOptions = rules.Input<typeof createOptions>

const capacity: rules.Rule<Capacity> = rules.among(capacities)

export const auditFilter = v.object({
  /** Start, inclusive. */
  since: v.optional(rules.instant),
  /** End, exclusive. */
  until: v.optional(rules.instant),
  /** Who made the change. */
  actor: v.optional(v.string()),
  /** As what it was made. */
  as: v.optional(capacity),
  /** An action such as `key.rotate`, or a noun alone for all its actions. */
  action: v.optional(v.string()),
  /** Id or name of what was acted on. */
  target: v.optional(v.string()),
  /** At most this many rows, the newest; default 100. */
  limit: v.optional(rules.pageSize),
})
export type AuditFilter = rules.Input<typeof auditFilter>

export type AuditPage = AuditFilter & rules.Part

export const auditCheckInput = v.object({
  /** A backup to compare with: its id, its file, or `latest`. It shows whether the newest rows were cut off. */
  against: v.optional(v.string()),
  /** The folder or bucket of that backup; default: where backups are. */
  from: v.optional(v.string()),
})
export type AuditCheckInput = rules.Input<typeof auditCheckInput>

export const auditPruning = v.object({
  /** Rows from before this are removed. */
  before: rules.instant,
})
export type AuditPruning = rules.Input<typeof auditPruning>

export interface Actor {
  /** The name in the audit log. */
  readonly name: string
  /** From where: a terminal, cron, a service, a script or the library. */
  readonly origin: Origin
  /** The user for whom it is done, who needs the permission. Left out: an operator, who is above all. */
  readonly user?: string | undefined
}
