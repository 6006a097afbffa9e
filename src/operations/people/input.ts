/** Inputs of the operations on users and projects. */
import * as v from 'valibot'
import { userStatuses } from '../../contract/views/words.ts'
import type { Account, Project, ProjectMember, Session, UserStatus } from '../../contract/views.ts'
import type { PageOf } from '../input.ts'
import { limitNames, limits } from '../limits/input.ts'
import * as rules from '../rules/input.ts'

export const newUser = v.object({
  /** Unique, regardless of case. */
  username: rules.username,
  /** Unique, regardless of case. */
  email: v.optional(rules.email),
  /** Whether the address is known to be theirs. */
  emailVerified: v.optional(v.boolean(), false),
  /** Display name. */
  name: v.optional(rules.displayName),
  /** Address of a picture. */
  image: v.optional(rules.imageUrl),
  /** Default member. */
  role: v.optional(rules.role, 'member'),
  /** Whether it is a service account. */
  service: v.optional(v.boolean(), false),
  /** At least 8 characters; stored as an argon2id hash. */
  password: v.optional(rules.password),
  /** Limits of all their keys together. */
  limits: v.optional(limits, []),
})
export type NewUser = rules.Input<typeof newUser>

export const userChanges = v.object({
  /** Unique, regardless of case. */
  username: v.optional(rules.username),
  /** Unique, regardless of case. */
  email: rules.clearable(rules.email),
  /** Whether the address is known to be theirs; false again whenever it changes. */
  emailVerified: v.optional(v.boolean()),
  /** Display name. */
  name: rules.clearable(rules.displayName),
  /** Address of a picture. */
  image: rules.clearable(rules.imageUrl),
  /** For the backend to act on. */
  role: v.optional(rules.role),
  /** Whether it is a service account. */
  service: v.optional(v.boolean()),
  /** Limits of all their keys together: each is added, or changes the amount of the one with its metric and window. */
  limits: v.optional(limits),
  /** Limits to remove, if they exist: one window, or all of a metric. */
  removeLimits: v.optional(limitNames),
})
/** Left out: unchanged. Null: cleared. */
export type UserChanges = rules.Input<typeof userChanges>

export const disabling = v.object({
  /** For people: why. */
  reason: rules.clearable(rules.reason),
  /** When the user is active again by itself; null: when somebody enables the user. */
  until: rules.clearable(rules.instant),
})
/** Left out: none, or unchanged if the user is disabled already. Null: cleared. */
export type Disabling = rules.Input<typeof disabling>

const userStatus: rules.Rule<UserStatus> = rules.among(userStatuses)

export const userFilter = v.object({
  /** Users with this role. */
  role: v.optional(rules.role),
  /** Only service accounts, or only people. */
  service: v.optional(v.boolean()),
  /** Users with this status. */
  status: v.optional(userStatus),
  /** Only disabled users, or only the others. */
  disabled: v.optional(v.boolean()),
  /** Part of a username, email address or name. */
  search: v.optional(v.string()),
})
/** All given conditions must hold. */
export type UserFilter = rules.Input<typeof userFilter>

export const offboarding = v.object({
  /** Disables the user. */
  disable: v.optional(v.boolean(), false),
  /** The user who gets all that they own; they are then disabled. */
  to: v.optional(v.string()),
  /** Deletes all that they own, and the user. */
  deleteAll: v.optional(v.boolean(), false),
})
export type Offboarding = rules.Input<typeof offboarding>

export type UserPage = UserFilter & rules.Part

const weekMs = 7 * 86_400_000

export const sessionLife = v.object({
  /** How many milliseconds it lasts; default seven days. */
  forMs: v.optional(
    v.pipe(rules.count, v.minValue(1_000), v.maxValue(366 * 86_400_000, 'must be at most 366 days')),
    weekMs,
  ),
})
export type SessionLife = rules.Input<typeof sessionLife>

export const newSession = v.object({
  /** Who signs in. */
  user: v.string(),
  ...sessionLife.entries,
  /** Address of the client. */
  ipAddress: v.optional(rules.shortText),
  /** What the client calls itself; the device is guessed from it. */
  userAgent: v.optional(rules.userAgent),
  /** An administrator who acts as the user. */
  impersonatedBy: v.optional(v.string()),
})
export type NewSession = rules.Input<typeof newSession>

/** The id of a session, the beginning of one, or its token. */
export type SessionSelector = string | { readonly token: string }

export const sessionFilter = v.object({
  /** Sessions of this user. */
  user: v.optional(v.string()),
  /** Only those that have expired, or only the others. */
  expired: v.optional(v.boolean()),
})
/** All given conditions must hold. */
export type SessionFilter = rules.Input<typeof sessionFilter>

export const allSessions = v.object({
  /** Every session, in place of a filter. */
  all: v.optional(v.boolean(), false),
})
/** What ends many sessions at once. */
export type RevokeSessions = SessionFilter & rules.Input<typeof allSessions>

export type SessionPage = SessionFilter & rules.Part

export type SessionList = PageOf<'sessions', Session>

export const accountFilter = v.object({
  /** Accounts of this user. */
  user: v.optional(v.string()),
  /** Accounts of this system; `credential` for passwords. */
  provider: v.optional(v.string()),
})
/** All given conditions must hold. */
export type AccountFilter = rules.Input<typeof accountFilter>
export type AccountPage = AccountFilter & rules.Part

export type AccountList = PageOf<'accounts', Account>

export const unlinking = v.object({
  /** Also if the user has no other way to sign in. */
  evenLast: v.optional(v.boolean(), false),
})
export type Unlinking = rules.Input<typeof unlinking>

export const newProject = v.object({
  /** Display name; need not be unique. */
  name: rules.displayName,
  /** The user who owns it, unless an organization does. */
  owner: v.optional(v.string()),
  /** The organization that owns it. */
  org: v.optional(v.string()),
  /** Default: made from the name. */
  slug: v.optional(rules.slug),
  /** For people. */
  description: v.optional(rules.description),
  /** Prefix of the secrets of its keys, instead of lk. */
  keyPrefix: v.optional(rules.keyPrefix),
  /** Limits of all its keys together. */
  limits: v.optional(limits, []),
})
export type NewProject = rules.Input<typeof newProject>

const newMember = v.object({
  /** A user. */
  user: v.string(),
  /** In this project. */
  role: rules.role,
})

export const projectChanges = v.object({
  /** Display name; need not be unique. */
  name: v.optional(rules.displayName),
  /** Unique. */
  slug: v.optional(rules.slug),
  /** The user who owns it from now on. */
  owner: v.optional(v.string()),
  /** What your backend is doing with it. */
  state: v.optional(rules.projectState),
  /** Where your backend shows it. */
  previewUrl: rules.clearable(rules.url),
  /** The sandbox that your backend runs it in. */
  sandboxId: rules.clearable(rules.sandboxId),
  /** For people. */
  description: rules.clearable(rules.description),
  /** Prefix of the secrets of its keys; null: lk. */
  keyPrefix: rules.clearable(rules.keyPrefix),
  /** Users who join, or whose role changes. */
  addMembers: v.optional(rules.listOf(newMember)),
  /** Users who leave. */
  removeMembers: v.optional(rules.listOf(v.string())),
  /** Limits of all its keys together: each is added, or changes the amount of the one with its metric and window. */
  limits: v.optional(limits),
  /** Limits to remove, if they exist: one window, or all of a metric. */
  removeLimits: v.optional(limitNames),
})
/** Left out: unchanged. Null: cleared. */
export type ProjectChanges = rules.Input<typeof projectChanges>

export const projectOwner = v.object({
  /** A user. */
  user: v.optional(v.string()),
  /** An organization. */
  org: v.optional(v.string()),
})
/** Who gets a project: one of both. */
export type ProjectOwner = rules.Input<typeof projectOwner>

export type ProjectMemberList = PageOf<'members', ProjectMember>

const projectStatus: rules.Rule<Project['status']> = rules.among(['active', 'archived'])

export const projectFilter = v.object({
  /** Projects of this user. */
  owner: v.optional(v.string()),
  /** Projects of this organization. */
  org: v.optional(v.string()),
  /** Projects with this user as a member. */
  member: v.optional(v.string()),
  /** Only archived or only active ones. */
  status: v.optional(projectStatus),
  /** Part of a slug, name or description. */
  search: v.optional(v.string()),
})
/** All given conditions must hold. */
export type ProjectFilter = rules.Input<typeof projectFilter>
export type ProjectPage = ProjectFilter & rules.Part
