/**
 * All of Latchkey on one database, grouped like the command line. Types only; the comments are the contract of each
 * method.
 */
import type {
  AuditCheck,
  AuditEntry,
  ExportedAuditEntry,
  HealthReport,
  Initialized,
  Inventory,
  PrunedAudit,
  Self,
} from '../contract/views.ts'
import type { Admitted, Authorized, Carrier, GuardOptions, Refused } from '../operations/door/input.ts'
import type { Diagnosis, NewDatabase } from '../operations/file/input.ts'
import type { AuditCheckInput, AuditFilter, AuditPage, AuditPruning } from '../operations/input.ts'
import type { Accounts, Sessions } from './accounts.ts'
import type { Chats } from './chats.ts'
import type { Agents, Files } from './content.ts'
import type { Backups, DatabaseFile, Migrations } from './file.ts'
import type { Auth, Imports } from './imports.ts'
import type { Keys } from './keys.ts'
import type { Limits } from './limits.ts'
import type { Access, Invitations, Organizations, Roles, Teams } from './organizations.ts'
import type { Projects, Users } from './people.ts'
import type { Usage } from './usage.ts'

export type * from '../operations/door/input.ts'
export type * from '../operations/input.ts'
export type * from '../operations/seed/input.ts'
export type * from './accounts.ts'
export type * from './chats.ts'
export type * from './content.ts'
export type * from './file.ts'
export type * from './imports.ts'
export type * from './keys.ts'
export type * from './limits.ts'
export type * from './organizations.ts'
export type * from './people.ts'
export type * from './usage.ts'

/**
 * All of Latchkey on one database. Expected errors are a `LatchkeyError` with a code, a message and a next step.
 * Besides the codes that are listed, every method may throw busy, corrupt, disk_full, permission, database_missing and
 * database_foreign. Times are `Date`, durations and windows are milliseconds, sizes are bytes, money is dollars.
 */
export interface Latchkey {
  /** The absolute path of the database; of one on PostgreSQL its URL without the password. */
  readonly path: string
  /** People and service accounts. */
  readonly users: Users
  /** Who is signed in. */
  readonly sessions: Sessions
  /** How users sign in. */
  readonly accounts: Accounts
  /** Projects, owned by users or organizations. */
  readonly projects: Projects
  /** Users who own projects together. */
  readonly organizations: Organizations
  /** Invitations to organizations. */
  readonly invitations: Invitations
  /** Groups of members of an organization. */
  readonly teams: Teams
  /** Names for permissions. */
  readonly roles: Roles
  /** Who may do what. */
  readonly access: Access
  /**
   * The same for a user, by id: each change needs the permission, and the audit log names the user. Everything else is done as
   * an operator, who is above all. What is read is the same for all: ask `access` first.
   *
   * @throws nothing: each change throws denied, or invalid if it is not a whole id
   * @example
   * const { id } = await latchkey.users.get('alice')
   * await latchkey.as(id).projects.update('shop', { state: 'generating' })
   */
  readonly as: (user: string) => Acting
  /** Files of projects. */
  readonly files: Files
  /** What the agents of projects are doing, and have done. */
  readonly agents: Agents
  /** Chats of users, and their messages. */
  readonly chats: Chats
  /** API keys: verdicts, creation, rotation, revocation. */
  readonly keys: Keys
  /** What may be used within a window. */
  readonly limits: Limits
  /** What was used, and what it cost. */
  readonly usage: Usage
  /** Data of other systems. */
  readonly imports: Imports
  /** What is wrong with users and sign-ins, here or in another system. */
  readonly auth: Auth
  /** Copies of the database, and restoring them. */
  readonly backups: Backups
  /** The schema of the database. */
  readonly migrations: Migrations
  /** The database file. */
  readonly database: DatabaseFile
  /** Who changed what. */
  readonly audit: Audit
  /**
   * Decides whether a request may go ahead, by the key in `Authorization: Bearer` or `X-Api-Key`. Returns the verdict, or the
   * `Response` that refuses the request: 401, 403 or 429, with headers that say why and when to retry. Add
   * `rateLimitHeaders(verdict)` to your own response.
   *
   * @throws invalid (with `count`, a model that cannot be recorded)
   * @example
   * const request = new Request('http://localhost/', { headers: { authorization: `Bearer ${secret}` } })
   * const admitted = await latchkey.guard(request, { model: 'gpt-x', count: true })
   * if (!(admitted instanceof Response)) console.log(admitted.key.id)
   */
  readonly guard: (request: Carrier, options?: GuardOptions) => Promise<Admitted | Response>
  /**
   * The decision of `guard` as data: status, headers, body and verdict. For frameworks without `Response`, and for reverse
   * proxies that ask with a request of their own.
   *
   * @throws invalid (with `count`, a model that cannot be recorded)
   * @example
   * const { status, headers, body } = await latchkey.authorize({ headers: new Headers({ 'x-api-key': secret }) })
   */
  readonly authorize: (request: Carrier, options?: GuardOptions) => Promise<Authorized | Refused>
  /**
   * What the holder of the key in a request may see: the key, each limit with what is left and when it frees, and usage
   * by day and model. A refusal has a `status`. Also works if a limit is used up, and counts no denial.
   *
   * @throws busy, corrupt
   * @example
   * const own = await latchkey.self({ headers: new Headers({ authorization: `Bearer ${secret}` }) })
   * const answer = 'status' in own ? new Response(own.body, own) : Response.json(own)
   */
  readonly self: (request: Carrier) => Promise<Self | Refused>
  /**
   * Creates the database, mode 0600, and its folder, mode 0700 if it is missing.
   *
   * @throws invalid, conflict (something is there already), permission, disk_full, config
   * @example
   * const other = connectLatchkey({ path: `${latchkey.path}.other` })
   * await other.initialize({ admin: 'root' })
   * await other.close()
   */
  readonly initialize: (options?: NewDatabase) => Promise<Initialized>
  /**
   * Opens the database now instead of at its first use. A file is open when it returns; one on PostgreSQL is waited for.
   *
   * @throws database_missing, database_foreign, schema_older, schema_newer, corrupt, permission
   * @example
   * await latchkey.open()
   */
  readonly open: () => void | Promise<void>
  /**
   * Loads the code of every operation now instead of at its first use.
   *
   * @throws nothing of its own: only what loading a file can throw
   * @example
   * await latchkey.load()
   */
  readonly load: () => Promise<void>
  /**
   * Waits for running work, recorders included, then closes the database.
   *
   * @throws busy, disk_full (usage in a recorder could not be written)
   * @example
   * const other = connectLatchkey({ path: latchkey.path })
   * await other.close()
   */
  readonly close: () => Promise<void>
  /**
   * Checks quickly whether the database can be used, for probes.
   *
   * @throws database_missing
   * @example
   * const { status } = await latchkey.health()
   */
  readonly health: () => Promise<HealthReport>
  /**
   * Runs all checks, and says how to fix each finding, for people.
   *
   * @throws nothing: problems are in the report
   * @example
   * const { checks } = await latchkey.diagnose()
   */
  readonly diagnose: (options?: Diagnosis) => Promise<HealthReport>
  /**
   * Keys by status, totals and sizes, without names, for metrics. Reads every key once.
   *
   * @throws corrupt, busy
   * @example
   * const { keys } = await latchkey.inventory()
   */
  readonly inventory: () => Promise<Inventory>
}

/** What is done for a user. */
export type Acting = Pick<
  Latchkey,
  'projects' | 'files' | 'agents' | 'organizations' | 'invitations' | 'teams' | 'roles' | 'limits'
>

/** The audit log: every change except usage, stored in the transaction that made it. */
export interface Audit {
  /**
   * Changes, newest first.
   *
   * @throws invalid (there is no such action)
   * @example
   * const [latest] = await latchkey.audit.list({ limit: 1 })
   */
  readonly list: (page?: AuditPage) => Promise<readonly AuditEntry[]>
  /**
   * One change, by its id or the first characters of its id.
   *
   * @throws not_found, ambiguous
   * @example
   * const [latest] = await latchkey.audit.list({ limit: 1 })
   * const entry = await latchkey.audit.get(latest.id)
   */
  readonly get: (id: string) => Promise<AuditEntry>
  /**
   * Changes with what chains them, oldest first, streamed from one snapshot.
   *
   * @throws invalid (there is no such action), once the first is read
   * @example
   * for await (const { seq, hash } of latchkey.audit.export({ since: new Date('2026-01-01') })) console.log(seq, hash)
   */
  readonly export: (filter?: AuditFilter) => AsyncGenerator<ExportedAuditEntry>
  /**
   * Follows the chain, and names rows that were edited, removed, inserted or swapped. With a backup, also whether the newest
   * rows were cut off.
   *
   * @throws not_found, ambiguous, corrupt (the backup), conflict (it is one of another database, or has no chain), busy
   * @example
   * const { ok, problems } = await latchkey.audit.verify()
   */
  readonly verify: (input?: AuditCheckInput) => Promise<AuditCheck>
  /**
   * What `prune` would remove.
   *
   * @throws as `prune`
   * @example
   * const { rows } = await latchkey.audit.planPrune({ before: new Date('2026-01-01') })
   */
  readonly planPrune: (pruning: AuditPruning) => Promise<PrunedAudit>
  /**
   * Removes the oldest changes. The rest can still be verified.
   *
   * @throws invalid (a moment in the future), busy
   * @example
   * const { rows } = await latchkey.audit.prune({ before: new Date('2026-01-01') })
   */
  readonly prune: (pruning: AuditPruning) => Promise<PrunedAudit>
}
