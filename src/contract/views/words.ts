/** The words that fields and options are chosen from. */
import { type Noun, nounNames, nouns } from '../nouns.ts'

export const keyStatuses = [
  'active',
  'disabled',
  'expired',
  'revoked',
  'user_disabled',
  'project_archived',
] as const

export const userStatuses = ['active', 'disabled'] as const

/** What a check of a password says. */
export const passwordCodes = ['valid', 'wrong_password', 'no_password', 'user_disabled'] as const

/** What becomes of all that a user owns. */
export const offboardings = ['none', 'disabled', 'transferred', 'deleted'] as const

/** The status of a session, and what a check of one says. */
export const sessionStatuses = ['valid', 'expired', 'user_disabled'] as const
export const sessionCodes = [...sessionStatuses, 'not_found'] as const

/** What limits count; `parallel` is reservations that are open at the same time. */
export const metrics = ['tokens', 'requests', 'usd', 'parallel'] as const

/** What the window of a limit is. */
export const limitPeriods = ['rolling', 'day', 'week', 'month', 'total'] as const

/** How long a rolling window is, at the least and at the most. */
export const windowRangeMs = [60_000, 366 * 86_400_000] as const

/** How many end users a key may have, unless the settings say otherwise. */
export const usualMostEndUsers = 10_000

export const roles = ['admin', 'member', 'viewer'] as const

/** What the backend is doing with a project. */
export const projectStates = ['idle', 'generating', 'complete', 'error'] as const

/** Whether an invitation can still be accepted; `expired` follows from the time. */
export const invitationStatuses = ['pending', 'accepted', 'rejected', 'canceled', 'expired'] as const

/** What grants a permission: the role of the user, owning the project, or the role in a project or organization. */
export const accessSources = ['user', 'owner', 'project_role', 'organization_role'] as const

/** Why something is allowed or not. */
export const accessCodes = ['granted', 'not_granted', 'user_disabled'] as const

/** Who said a message. */
export const messageRoles = ['user', 'assistant', 'system', 'tool'] as const

/** Who said something to an agent, or for it. */
export const agentRoles = ['user', 'assistant', 'system'] as const

/** The most bytes that a file of a project may have: 16 MiB. */
export const mostFileBytes = 16 * 1024 * 1024

/** What becomes of a file. */
export const fileActions = ['added', 'changed', 'removed', 'moved'] as const

/** What writing a file did. */
export const fileOutcomes = ['added', 'changed', 'unchanged'] as const

/** What chats can be listed in the order of: the oldest first, or the latest change first. */
export const chatSorts = ['created', 'updated'] as const

/** What keys can be listed in the order of. */
export const keySorts = ['name', 'created', 'expires', 'last-used', 'tokens', 'cost'] as const

export const origins = ['terminal', 'cron', 'service', 'script', 'library'] as const

/** As what somebody acts: an operator is above all, a backend decides by itself, and a user needs the permission. */
export const capacities = ['operator', 'backend', 'user'] as const

/** Why a key is denied. */
export const keyDenials = [
  'rotated',
  'revoked',
  'expired',
  'disabled',
  'user_disabled',
  'project_archived',
  'model_not_allowed',
  'insufficient_scope',
  'model_unpriced',
  'too_many_end_users',
  'limit_exceeded',
] as const

/** Why a request is denied: its secret is no key's, or its key is denied. */
export const deniedCodes = ['malformed', 'not_found', ...keyDenials] as const

export const verdictCodes = ['valid', ...deniedCodes] as const

/** Why a secret does not work that a restore would let work again. */
export const revivals = [
  'revoked',
  'rotated',
  'expired',
  'disabled',
  'user_disabled',
  'project_archived',
  'missing',
] as const

export const periods = ['hour', 'day', 'week', 'month'] as const

/** What used something, or was used. */
export const reportSubjects = ['key', 'user', 'project', 'org', 'team', 'model'] as const

export const reportGroups = [...reportSubjects, ...periods] as const

export const reportOrders = ['tokens', 'requests', 'cost'] as const

/** What becomes of requests for models without a price, where a dollar limit would have to count them. */
export const unpricedRules = ['allow', 'deny'] as const

/** Who says what a model costs: somebody who set it, or the list that it was imported from. */
export const priceSources = ['set', 'genai-prices', 'litellm'] as const

/** Lists that prices are imported from. */
export const priceLists = ['genai-prices', 'litellm'] as const

/** What an import does with a price. */
export const priceOutcomes = ['added', 'changed', 'removed', 'unchanged', 'kept'] as const

/** What runs scheduled backups. */
export const schedulers = ['crontab', 'systemd'] as const

export const compressions = ['none', 'zstd', 'gzip'] as const

export const progressSteps = [
  'reading',
  'counting',
  'importing',
  'recording',
  'undoing',
  'copying',
  'packing',
  'uploading',
  'unpacking',
  'checking',
  'verifying',
] as const

export const progressUnits = ['bytes', 'rows', 'backups'] as const

/** What else leaves a row in the audit trail, by what it is done to. */
const otherActions = [
  'price.set',
  'price.remove',
  'price.import',
  'usage.compact',
  'usage.repair',
  'import.glm-proxy',
  'import.ccluster',
  'import.dokify',
  'import.better-auth',
  'import.keys',
  'import.undo',
  'audit.prune',
  'database.init',
  'database.migrate',
  'database.restore',
  'database.safety',
  'database.copy',
  'database.seed',
  'database.prune',
] as const

/** What the audit trail tells of a noun: `rotate` of keys. */
export type AuditVerb<N extends Noun> = (typeof nouns)[N]['audited'][number] | 'restore'
export type AuditAction = { [N in Noun]: `${N}.${AuditVerb<N>}` }[Noun] | (typeof otherActions)[number]

/** Everything that leaves a row in the audit trail. */
export const auditActions = [
  ...nounNames.flatMap(noun => [...nouns[noun].audited, 'restore'].map(verb => `${noun}.${verb}`)),
  ...otherActions,
] as readonly AuditAction[]

export type KeyStatus = (typeof keyStatuses)[number]
export type SessionCode = (typeof sessionCodes)[number]
export type UserStatus = (typeof userStatuses)[number]
export type Metric = (typeof metrics)[number]
export type LimitPeriod = (typeof limitPeriods)[number]
export type KeySort = (typeof keySorts)[number]
export type Role = (typeof roles)[number]
export type ProjectState = (typeof projectStates)[number]
export type InvitationStatus = (typeof invitationStatuses)[number]
export type MessageRole = (typeof messageRoles)[number]
export type AgentRole = (typeof agentRoles)[number]
export type ChatSort = (typeof chatSorts)[number]
export type Scheduler = (typeof schedulers)[number]
export type Compression = (typeof compressions)[number]
export type Origin = (typeof origins)[number]
export type Capacity = (typeof capacities)[number]
export type DeniedCode = (typeof deniedCodes)[number]
export type KeyDenial = (typeof keyDenials)[number]
export type VerdictCode = (typeof verdictCodes)[number]
export type Period = (typeof periods)[number]
export type ReportGroup = (typeof reportGroups)[number]
export type ReportSubject = (typeof reportSubjects)[number]
export type UnpricedRule = (typeof unpricedRules)[number]
export type PriceSource = (typeof priceSources)[number]
export type ReportOrder = (typeof reportOrders)[number]
