/**
 * The contract, written out a second time by hand. Scripts rely on these names: a list here may grow together with
 * `views/` or `errors.ts`, and nothing may ever leave it.
 */
import { describe, expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, exitMeanings, LatchkeyError } from './errors.ts'
import type { JsonSchema } from './shape.ts'
import * as words from './views/words.ts'

// biome-ignore format: one line for the fields of one view
const fields: Readonly<Record<string, readonly string[]>> = {
  userRef: ['id', 'username'],
  projectRef: ['id', 'slug'],
  keyRef: ['id', 'name'],
  holder: ['pid', 'command'],
  limit: ['metric', 'amount', 'period', 'windowMs', 'timeZone', 'models', 'each'],
  limitState: [
    'metric', 'amount', 'period', 'windowMs', 'timeZone', 'models', 'each', 'subject', 'endUser', 'used', 'reserved', 'remaining', 'exceeded', 'retryAt',
  ],
  key: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits', 'createdAt',
    'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'revokedReason', 'lastUsedAt', 'metadata',
  ],
  keyDetails: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits', 'createdAt',
    'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'revokedReason', 'lastUsedAt', 'metadata',
  ],
  createdKey: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits',
    'createdAt', 'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'revokedReason', 'lastUsedAt',
    'metadata', 'secret', 'secretFile', 'created',
  ],
  changedKey: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits', 'createdAt',
    'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'revokedReason', 'lastUsedAt', 'metadata', 'changed',
    'before',
  ],
  rotatedKey: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits',
    'createdAt', 'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'revokedReason', 'lastUsedAt',
    'metadata', 'secret', 'secretFile', 'previousSecretEndsAt', 'repeated',
  ],
  verdict: ['valid', 'code', 'key', 'limits', 'retryAt'],
  totals: ['requests', 'inputTokens', 'cachedInputTokens', 'cacheWriteTokens',
    'outputTokens', 'reasoningTokens', 'otherTokens', 'tokens', 'costUsd', 'unpricedRequests'],
  usagePoint: ['start', 'requests', 'inputTokens', 'cachedInputTokens', 'cacheWriteTokens',
    'outputTokens', 'reasoningTokens', 'otherTokens', 'tokens', 'costUsd', 'unpricedRequests'],
  stats: ['key', 'totals', 'limits', 'series', 'denials'],
  denial: ['code', 'count', 'lastAt'],
  explanation: ['valid', 'code', 'key', 'model', 'limits', 'retryAt', 'denials'],
  usageRow: [
    'key', 'user', 'project', 'model', 'start', 'requests', 'inputTokens', 'cachedInputTokens', 'cacheWriteTokens',
    'outputTokens', 'reasoningTokens', 'otherTokens', 'tokens', 'costUsd', 'unpricedRequests', 'organization', 'team',
  ],
  progress: ['step', 'done', 'total', 'unit', 'rate', 'etaMs'],
  recorded: [
    'key', 'model', 'endUser', 'at', 'requests', 'inputTokens', 'cachedInputTokens', 'cacheWriteTokens',
    'outputTokens', 'reasoningTokens', 'otherTokens', 'tokens', 'costUsd', 'unpricedRequests',
  ],
  user: [
    'id', 'username', 'email', 'name', 'role', 'service', 'hasPassword', 'limits', 'disabledAt',
    'emailVerified', 'image', 'disabledReason', 'disabledUntil', 'createdAt', 'updatedAt', 'status',
  ],
  userDetails: [
    'id', 'username', 'email', 'name', 'role', 'service', 'hasPassword', 'limits', 'disabledAt',
    'emailVerified', 'image', 'disabledReason', 'disabledUntil', 'createdAt', 'updatedAt', 'status',
  ],
  createdUser: [
    'id', 'username', 'email', 'name', 'role', 'service', 'hasPassword', 'limits', 'disabledAt',
    'emailVerified', 'image', 'disabledReason', 'disabledUntil', 'createdAt', 'updatedAt', 'status', 'created',
  ],
  changedUser: [
    'id', 'username', 'email', 'name', 'role', 'service', 'hasPassword', 'limits', 'disabledAt',
    'emailVerified', 'image', 'disabledReason', 'disabledUntil', 'createdAt', 'updatedAt', 'status', 'changed', 'before',
  ],
  passwordSet: [
    'id', 'username', 'email', 'name', 'role', 'service', 'hasPassword', 'limits', 'disabledAt',
    'emailVerified', 'image', 'disabledReason', 'disabledUntil', 'createdAt', 'updatedAt', 'status', 'changed', 'before',
    'password',
  ],
  offboarded: ['user', 'action', 'to', 'holds'],
  erasedUser: ['id', 'keys', 'chats', 'messages'],
  personalRow: ['of', 'row'],
  passwordCheck: ['user', 'valid', 'code'],
  account: [
    'id', 'user', 'provider', 'issuer', 'accountId', 'hasPassword', 'hasTokens', 'scope', 'createdAt', 'updatedAt',
  ],
  session: [
    'id', 'user', 'status', 'device', 'ipAddress', 'userAgent', 'impersonatedBy', 'expiresAt', 'createdAt', 'updatedAt',
  ],
  createdSession: [
    'id', 'user', 'status', 'device', 'ipAddress', 'userAgent', 'impersonatedBy', 'expiresAt', 'createdAt', 'updatedAt',
    'token',
  ],
  sessionVerdict: ['valid', 'code', 'session'],
  revokedSessions: ['sessions'],
  projectMember: ['user', 'role'],
  project: [
    'id', 'slug', 'name', 'description', 'status', 'keyPrefix', 'owner', 'members', 'limits', 'createdAt',
    'updatedAt', 'archivedAt', 'organization', 'state', 'previewUrl', 'sandboxId', 'memberLimits',
  ],
  projectDetails: [
    'id', 'slug', 'name', 'description', 'status', 'keyPrefix', 'owner', 'members', 'limits', 'createdAt',
    'updatedAt', 'archivedAt', 'organization', 'state', 'previewUrl', 'sandboxId', 'memberLimits',
  ],
  createdProject: [
    'id', 'slug', 'name', 'description', 'status', 'keyPrefix', 'owner', 'members', 'limits', 'createdAt',
    'updatedAt', 'archivedAt', 'organization', 'state', 'previewUrl', 'sandboxId', 'memberLimits', 'created',
  ],
  changedProject: [
    'id', 'slug', 'name', 'description', 'status', 'keyPrefix', 'owner', 'members', 'limits', 'createdAt',
    'updatedAt', 'archivedAt', 'organization', 'state', 'previewUrl', 'sandboxId', 'memberLimits', 'changed', 'before',
  ],
  orgRef: ['id', 'slug'],
  teamRef: ['id', 'name'],
  organization: [
    'id', 'slug', 'name', 'logo', 'members', 'teams', 'projects', 'createdAt', 'updatedAt', 'limits', 'memberLimits',
  ],
  organizationDetails: [
    'id', 'slug', 'name', 'logo', 'members', 'teams', 'projects', 'createdAt', 'updatedAt', 'limits', 'memberLimits',
  ],
  createdOrganization: [
    'id', 'slug', 'name', 'logo', 'members', 'teams', 'projects', 'createdAt', 'updatedAt', 'limits', 'memberLimits',
    'created',
  ],
  changedOrganization: [
    'id', 'slug', 'name', 'logo', 'members', 'teams', 'projects', 'createdAt', 'updatedAt', 'limits', 'memberLimits',
    'changed', 'before',
  ],
  organizationMember: ['organization', 'user', 'role', 'createdAt'],
  changedMember: ['organization', 'user', 'role', 'createdAt', 'changed', 'before'],
  invitation: [
    'id', 'organization', 'email', 'role', 'team', 'status', 'inviter', 'expiresAt', 'createdAt',
  ],
  createdInvitation: [
    'id', 'organization', 'email', 'role', 'team', 'status', 'inviter', 'expiresAt', 'createdAt', 'token',
  ],
  acceptedInvitation: ['invitation', 'member'],
  team: ['id', 'name', 'organization', 'members', 'createdAt', 'updatedAt', 'limits'],
  teamDetails: ['id', 'name', 'organization', 'members', 'createdAt', 'updatedAt', 'limits'],
  createdTeam: ['id', 'name', 'organization', 'members', 'createdAt', 'updatedAt', 'limits', 'created'],
  changedTeam: ['id', 'name', 'organization', 'members', 'createdAt', 'updatedAt', 'limits', 'changed', 'before'],
  teamMember: ['team', 'user', 'createdAt'],
  role: ['id', 'name', 'organization', 'permissions', 'builtIn', 'createdAt', 'updatedAt'],
  createdRole: ['id', 'name', 'organization', 'permissions', 'builtIn', 'createdAt', 'updatedAt', 'created'],
  changedRole: [
    'id', 'name', 'organization', 'permissions', 'builtIn', 'createdAt', 'updatedAt', 'changed', 'before',
  ],
  accessGrant: ['source', 'role', 'organization', 'project', 'permissions'],
  accessCheck: ['allowed', 'code', 'user', 'permission', 'organization', 'project', 'grant'],
  chatRef: ['id', 'title'],
  chat: ['id', 'title', 'user', 'project', 'sessionId', 'messages', 'createdAt', 'updatedAt'],
  createdChat: ['id', 'title', 'user', 'project', 'sessionId', 'messages', 'createdAt', 'updatedAt', 'created'],
  changedChat: [
    'id', 'title', 'user', 'project', 'sessionId', 'messages', 'createdAt', 'updatedAt', 'changed', 'before',
  ],
  message: ['id', 'chat', 'position', 'role', 'content', 'metadata', 'createdAt'],
  foundMessage: ['id', 'chat', 'position', 'role', 'user', 'excerpt', 'createdAt'],
  prunedChats: ['chats', 'messages'],
  projectFile: ['id', 'path', 'project', 'sha256', 'sizeBytes', 'mediaType', 'createdAt', 'updatedAt'],
  fileContent: ['id', 'path', 'project', 'sha256', 'sizeBytes', 'mediaType', 'createdAt', 'updatedAt', 'encoding', 'content'],
  writtenFile: ['id', 'path', 'project', 'sha256', 'sizeBytes', 'mediaType', 'createdAt', 'updatedAt', 'outcome'],
  movedFile: ['id', 'path', 'project', 'sha256', 'sizeBytes', 'mediaType', 'createdAt', 'updatedAt', 'previousPath'],
  fileChange: ['id', 'path', 'action', 'previousPath', 'sha256', 'sizeBytes', 'actor', 'at'],
  filesChange: ['project', 'added', 'changed', 'removed', 'unchanged', 'bytes'],
  agentPhase: ['position', 'name', 'description', 'files', 'isLast', 'completedAt'],
  agentState: ['project', 'currentState', 'currentPhase', 'sandboxId', 'previewUrl', 'phases', 'files', 'messages', 'createdAt', 'updatedAt'],
  changedAgentState: ['project', 'currentState', 'currentPhase', 'sandboxId', 'previewUrl', 'phases', 'files', 'messages', 'createdAt', 'updatedAt', 'changed'],
  addedPhase: ['position', 'name', 'description', 'files', 'isLast', 'completedAt', 'project'],
  completedPhase: ['position', 'name', 'description', 'files', 'isLast', 'completedAt', 'project', 'changed'],
  agentFile: ['project', 'path', 'position', 'added'],
  agentMessage: ['project', 'position', 'role', 'content', 'at'],
  importItem: ['type', 'name', 'outcome', 'reason'],
  leftBehind: ['name', 'rows'],
  importReport: [
    'id', 'source', 'created', 'updated', 'unchanged', 'refused', 'gone', 'revoked', 'items', 'ignoredFields', 'leftBehind', 'notes',
  ],
  importSummary: [
    'id',
    'source',
    'at',
    'created',
    'updated',
    'unchanged',
    'refused',
    'gone',
    'revoked',
    'undoneAt',
  ],
  importUndoItem: ['type', 'name', 'outcome', 'reason'],
  importUndo: ['id', 'source', 'removed', 'reverted', 'kept', 'gone', 'items'],
  migration: ['version', 'name', 'state', 'appliedAt'],
  schemaState: ['path', 'current', 'latest', 'migrations'],
  migrated: ['path', 'from', 'to', 'steps', 'backup', 'lost'],
  migrationPlan: ['path', 'from', 'to', 'steps', 'lost'],
  schemaEvent: ['at', 'event', 'from', 'to', 'steps', 'actor', 'backup', 'programVersion'],
  schemaCheck: ['path', 'ok', 'problems'],
  backup: [
    'id', 'path', 'location', 'createdAt', 'reason', 'sizeBytes', 'rawSizeBytes', 'sha256', 'compression',
    'encrypted', 'schemaVersion', 'programVersion', 'rows', 'auditHead', 'verifiedAt', 'failedAt', 'problem', 'database',
  ],
  listedBackup: [
    'id', 'path', 'location', 'createdAt', 'reason', 'sizeBytes', 'rawSizeBytes', 'sha256', 'compression',
    'encrypted', 'schemaVersion', 'programVersion', 'rows', 'auditHead', 'verifiedAt', 'failedAt', 'problem', 'database',
    'own',
  ],
  createdBackup: [
    'id', 'path', 'location', 'createdAt', 'reason', 'sizeBytes', 'rawSizeBytes', 'sha256', 'compression',
    'encrypted', 'schemaVersion', 'programVersion', 'rows', 'auditHead', 'verifiedAt', 'failedAt', 'problem', 'database',
    'pruned',
  ],
  backupPruning: ['id', 'path', 'createdAt', 'reason', 'sizeBytes', 'outcome', 'because'],
  backupStatus: ['location', 'status', 'problem', 'newest', 'ageMs', 'maxAgeMs', 'mend'],
  backupSchedule: ['manager', 'name', 'cron', 'nextRun', 'log', 'entries', 'changed'],
  backupCheck: ['id', 'path', 'outcome', 'problem', 'checkedAt', 'unrecorded'],
  changes: ['added', 'removed', 'changed'],
  restored: [
    'path', 'backup', 'safetyBackup', 'movedAside', 'schemaVersion', 'rows', 'before', 'changes', 'openBy',
    'only', 'stays', 'revived',
  ],
  revivedSecret: ['key', 'start', 'because', 'ended'],
  auditEntry: ['id', 'at', 'actor', 'as', 'origin', 'action', 'target', 'before', 'after', 'seq', 'hash'],
  exportedAuditEntry: [
    'id', 'at', 'actor', 'as', 'origin', 'action', 'target', 'before', 'after', 'seq', 'hash', 'previous',
    'salt',
  ],
  auditHead: ['seq', 'hash'],
  authFinding: ['kind', 'table', 'id', 'problem', 'mend'],
  authCheck: ['source', 'ok', 'users', 'rows', 'findings', 'moreFindings'],
  auditProblem: ['kind', 'seq', 'id', 'detail'],
  auditAgainst: ['backup', 'takenAt', 'seq', 'state', 'restore'],
  auditCheck: ['ok', 'rows', 'erased', 'head', 'pruned', 'problems', 'moreProblems', 'against'],
  seeded: [
    'randomSeed', 'users', 'organizations', 'teams', 'invitations', 'projects', 'keys', 'chats', 'messages',
    'requests',
  ],
  prunedAudit: ['rows', 'before', 'through', 'backup'],
  healthReport: ['path', 'status', 'damaged', 'checks'],
  initialized: ['path', 'schemaVersion', 'user'],
  jsonSchema: [],
  completionInstalled: ['shell', 'path', 'changed', 'activate'],
  manPage: ['name', 'section', 'path', 'text'],
  configValue: ['name', 'value', 'source'],
  configChange: ['name', 'value', 'path', 'profile', 'hiddenBy', 'changed'],
  databaseInfo: [
    'path', 'sizeBytes', 'walBytes', 'pageSizeBytes', 'pages', 'freePages', 'journalMode', 'sqliteVersion',
    'schemaVersion', 'latestSchemaVersion', 'rows', 'openBy',
  ],
  transferredDatabase: ['from', 'to', 'rest', 'schemaVersion', 'rows', 'tables'],
  vacuumed: ['path', 'bytesBefore', 'bytesAfter'],
  optimized: ['path', 'statements'],
  queryRow: [],
  settingsCheck: ['path', 'scope', 'exists', 'ok', 'profiles', 'problem'],
  settingsProfile: ['name', 'inUse', 'db', 'paths'],
  programInfo: ['version', 'bun'],
  reserved: ['reservation', 'verdict'],
  studio: ['address', 'startedAt', 'stoppedAt', 'signal'],
  served: ['addresses', 'startedAt', 'stoppedAt', 'signal', 'requests'],
  self: ['key', 'limits', 'usage'],
  usageReceipt: ['events', 'counted', 'duplicates', 'endUsersLeftOut'],
  demoReport: ['ok', 'steps'],
  compacted: [
    'rowsBefore', 'rowsAfter', 'minutesDeleted', 'hoursDeleted', 'reservationsRemoved',
    'eventsForgotten', 'filesForgotten', 'denialsForgotten',
  ],
  exportedKey: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits',
    'createdAt', 'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'revokedReason', 'lastUsedAt',
    'metadata', 'hash', 'previousSecrets', 'totals',
  ],
  foundSecret: [
    'line', 'count', 'start', 'checksum', 'key', 'user', 'project', 'status', 'lastUsedAt', 'secret',
    'live', 'revoke',
  ],
  ingestReport: [
    'file', 'sha256', 'alreadyCounted', 'events', 'counted', 'duplicates', 'bad', 'unpriced',
    'endUsersLeftOut', 'keys', 'problems',
  ],
  limitForecast: [
    'metric', 'amount', 'period', 'windowMs', 'timeZone', 'models', 'each', 'subject', 'endUser', 'used', 'reserved', 'remaining', 'exceeded', 'retryAt',
    'frees',
  ],
  putLimit: [
    'metric', 'amount', 'period', 'windowMs', 'timeZone', 'models', 'each', 'subject', 'endUser', 'used', 'reserved', 'remaining', 'exceeded', 'retryAt', 'changed',
  ],
  limitSubject: ['type', 'id', 'name', 'member'],
  priceRates: ['inputUsd', 'cachedInputUsd', 'cacheWriteUsd', 'outputUsd', 'tiers'],
  price: [
    'model', 'inputUsd', 'cachedInputUsd', 'cacheWriteUsd', 'outputUsd', 'tiers', 'source', 'startsAt', 'current',
  ],
  priceImport: ['source', 'added', 'changed', 'removed', 'unchanged', 'kept', 'inPart', 'leftOut', 'prices'],
  changedPrice: [
    'model', 'inputUsd', 'cachedInputUsd', 'cacheWriteUsd', 'outputUsd', 'tiers', 'source', 'startsAt', 'current',
    'changed', 'before',
  ],
  usageCheck: ['ok', 'keys', 'repaired', 'differences'],
}

/** Objects inside a view that have no name of their own, by the path to them. */
const innerFields: Readonly<Record<string, readonly string[]>> = {
  'schemaCheck.problems': ['kind', 'detail'],
  'reserved.reservation': ['id', 'expiresAt'],
  'backupSchedule.entries': ['path', 'content'],
  'migrationPlan.steps': ['version', 'name', 'direction', 'sql'],
  'restored.changes': ['keys', 'users', 'projects', 'chats', 'organizations', 'teams', 'roles'],
  'restored.openBy': ['pid', 'command'],
  'auditEntry.target': ['type', 'id', 'name'],
  'auditAgainst.restore': ['seq', 'id', 'at', 'actor'],
  'price.tiers': ['overTokens', 'inputUsd', 'cachedInputUsd', 'cacheWriteUsd', 'outputUsd'],
  'priceImport.prices': [
    'model',
    'outcome',
    'startsAt',
    'inputUsd',
    'cachedInputUsd',
    'cacheWriteUsd',
    'outputUsd',
    'tiers',
    'before',
  ],
  'healthReport.checks': ['name', 'status', 'value', 'problem', 'mend'],
  'demoReport.steps': ['about', 'command', 'exit', 'output'],
  'stats.totals': [
    'requests',
    'inputTokens',
    'cachedInputTokens',
    'cacheWriteTokens',
    'outputTokens',
    'reasoningTokens',
    'otherTokens',
    'tokens',
    'costUsd',
    'unpricedRequests',
  ],
  'stats.series': [
    'start',
    'requests',
    'inputTokens',
    'cachedInputTokens',
    'cacheWriteTokens',
    'outputTokens',
    'reasoningTokens',
    'otherTokens',
    'tokens',
    'costUsd',
    'unpricedRequests',
  ],
  'stats.limits': [
    'metric',
    'amount',
    'period',
    'windowMs',
    'timeZone',
    'models',
    'each',
    'subject',
    'endUser',
    'used',
    'reserved',
    'remaining',
    'exceeded',
    'retryAt',
    'frees',
  ],
  'verdict.limits': [
    'metric',
    'amount',
    'period',
    'windowMs',
    'timeZone',
    'models',
    'each',
    'subject',
    'endUser',
    'used',
    'reserved',
    'remaining',
    'exceeded',
    'retryAt',
  ],
  'key.user': ['id', 'username'],
  'key.project': ['id', 'slug'],
  'project.owner': ['id', 'username'],
  'exportedKey.previousSecrets': ['hash', 'start', 'createdAt', 'endsAt'],
  'ingestReport.problems': ['line', 'problem'],
  'usageCheck.differences': ['key', 'total', 'recorded'],
  'importReport.items': ['type', 'name', 'outcome', 'reason'],
  'importReport.leftBehind': ['name', 'rows'],
  'importUndo.items': ['type', 'name', 'outcome', 'reason'],
}

/** Every value that a field of the contract chooses from, by the path to it. */
const choices: Readonly<Record<string, readonly string[]>> = {
  'revivedSecret.because': [
    'revoked',
    'rotated',
    'expired',
    'disabled',
    'user_disabled',
    'project_archived',
    'missing',
  ],
  'progress.step': [
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
  ],
  'studio.signal': ['SIGINT', 'SIGTERM'],
  'served.signal': ['SIGINT', 'SIGTERM'],
  'progress.unit': ['bytes', 'rows', 'backups'],
  'exportedKey.status': ['active', 'disabled', 'expired', 'revoked', 'user_disabled', 'project_archived'],
  'foundSecret.secret': ['current', 'grace', 'rotated'],
  'foundSecret.status': ['active', 'disabled', 'expired', 'revoked', 'user_disabled', 'project_archived'],
  'limitForecast.metric': ['tokens', 'requests', 'usd', 'parallel'],
  'limitSubject.type': ['key', 'user', 'project', 'org', 'team'],
  'limit.period': ['rolling', 'day', 'week', 'month', 'total'],
  'limitForecast.period': ['rolling', 'day', 'week', 'month', 'total'],
  'limit.metric': ['tokens', 'requests', 'usd', 'parallel'],
  'price.source': ['set', 'genai-prices', 'litellm'],
  'priceImport.source': ['genai-prices', 'litellm'],
  'priceImport.prices.outcome': ['added', 'changed', 'removed', 'unchanged', 'kept'],
  'user.status': ['active', 'disabled'],
  'key.status': ['active', 'disabled', 'expired', 'revoked', 'user_disabled', 'project_archived'],
  'self.key.status': ['active', 'disabled', 'expired', 'revoked', 'user_disabled', 'project_archived'],
  'settingsCheck.scope': ['folder', 'user'],
  'verdict.code': [
    'valid',
    'malformed',
    'not_found',
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
  ],
  'explanation.code': [
    'valid',
    'malformed',
    'not_found',
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
  ],
  'denial.code': [
    'malformed',
    'not_found',
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
  ],
  'session.status': ['valid', 'expired', 'user_disabled'],
  'sessionVerdict.code': ['valid', 'expired', 'user_disabled', 'not_found'],
  'offboarded.action': ['none', 'disabled', 'transferred', 'deleted'],
  'passwordCheck.code': ['valid', 'wrong_password', 'no_password', 'user_disabled'],
  'user.role': ['admin', 'member', 'viewer'],
  'message.role': ['user', 'assistant', 'system', 'tool'],
  'foundMessage.role': ['user', 'assistant', 'system', 'tool'],
  'agentMessage.role': ['user', 'assistant', 'system'],
  'fileChange.action': ['added', 'changed', 'removed', 'moved'],
  'fileContent.encoding': ['utf-8', 'base64'],
  'writtenFile.outcome': ['added', 'changed', 'unchanged'],
  'project.status': ['active', 'archived'],
  'project.state': ['idle', 'generating', 'complete', 'error'],
  'invitation.status': ['pending', 'accepted', 'rejected', 'canceled', 'expired'],
  'accessGrant.source': ['user', 'owner', 'project_role', 'organization_role'],
  'accessCheck.code': ['granted', 'not_granted', 'user_disabled'],
  'createdProject.state': ['idle', 'generating', 'complete', 'error'],
  'changedProject.state': ['idle', 'generating', 'complete', 'error'],
  'createdInvitation.status': ['pending', 'accepted', 'rejected', 'canceled', 'expired'],
  'importItem.type': [
    'user',
    'project',
    'key',
    'chat',
    'file',
    'org',
    'role',
    'member',
    'team',
    'team_member',
    'invitation',
    'account',
    'session',
  ],
  'importUndoItem.type': [
    'user',
    'project',
    'key',
    'chat',
    'file',
    'org',
    'role',
    'member',
    'team',
    'team_member',
    'invitation',
    'account',
    'session',
  ],
  'importUndoItem.outcome': ['removed', 'reverted', 'kept', 'gone'],
  'importItem.outcome': ['created', 'updated', 'unchanged', 'refused', 'gone', 'revoked'],
  'migration.state': ['applied', 'pending', 'changed', 'unknown'],
  'migrationPlan.steps.direction': ['up', 'down'],
  'schemaEvent.event': ['init', 'up', 'down', 'restore'],
  'schemaCheck.problems.kind': ['history', 'schema', 'foreign_key', 'integrity'],
  'backup.compression': ['none', 'zstd', 'gzip'],
  'backupCheck.outcome': ['passed', 'failed', 'aborted'],
  'backupPruning.outcome': ['kept', 'removed'],
  'backupStatus.status': ['fresh', 'stale', 'failed'],
  'backupSchedule.manager': ['crontab', 'systemd'],
  'auditAgainst.state': ['present', 'pruned', 'restored', 'missing'],
  'authFinding.kind': [
    'orphan',
    'ownerless',
    'shut_out_key',
    'duplicate_member',
    'missing_issuer',
    'plain_token',
  ],
  'auditProblem.kind': ['edited', 'removed', 'inserted', 'swapped', 'cut', 'replaced'],
  'auditEntry.as': ['operator', 'backend', 'user'],
  'auditEntry.origin': ['terminal', 'cron', 'service', 'script', 'library'],
  'completionInstalled.shell': ['bash', 'zsh', 'fish'],
  'healthReport.status': ['ok', 'warning', 'failed'],
  'healthReport.checks.name': [
    'reachable',
    'writable',
    'schema',
    'integrity',
    'permissions',
    'disk_space',
    'last_backup',
    'usage',
    'audit',
    'settings',
    'clock',
    'prices',
    'wal',
    'age_files',
    'schedule',
    'backup_bytes',
    'version',
    'locale',
    'connections',
    'transactions',
    'replication',
    'bloat',
    'tls',
  ],
  'healthReport.checks.status': ['ok', 'warning', 'failed', 'skipped'],
}

const codes: Readonly<Record<string, number>> = {
  unexpected: 1,
  stale: 1,
  usage: 2,
  invalid: 2,
  not_found: 3,
  denied: 4,
  conflict: 5,
  ambiguous: 5,
  not_confirmed: 6,
  corrupt: 7,
  checksum: 7,
  drift: 7,
  partial: 8,
  busy: 75,
  config: 78,
  database_missing: 78,
  database_foreign: 78,
  database_readonly: 78,
  disk_full: 78,
  permission: 78,
  schema_older: 78,
  schema_newer: 78,
  interrupted: 130,
  terminated: 143,
}

/** Names that were promised before there was any code: these stay whatever else changes. */
// biome-ignore format: one line for one promise
const promised: Readonly<Record<string, readonly string[]>> = {
  key: [
    'id', 'name', 'start', 'status', 'user', 'project', 'model', 'allowedModels', 'scopes', 'limits', 'createdAt',
    'updatedAt', 'expiresAt', 'disabledAt', 'revokedAt', 'lastUsedAt', 'metadata',
  ],
  createdKey: ['id', 'name', 'secret'],
  rotatedKey: ['id', 'name', 'secret', 'previousSecretEndsAt'],
  limit: ['metric', 'amount', 'period', 'windowMs', 'timeZone', 'models', 'each'],
  limitState: ['metric', 'amount', 'period', 'windowMs', 'timeZone', 'models', 'each', 'used', 'remaining', 'retryAt'],
  verdict: ['valid', 'code', 'key', 'limits', 'retryAt'],
  stats: ['key', 'totals', 'limits', 'series'],
  totals: ['requests', 'inputTokens', 'cachedInputTokens', 'cacheWriteTokens',
    'outputTokens', 'reasoningTokens', 'tokens', 'costUsd', 'unpricedRequests'],
  usagePoint: ['start', 'requests', 'inputTokens', 'cachedInputTokens', 'cacheWriteTokens',
    'outputTokens', 'reasoningTokens', 'tokens', 'costUsd', 'unpricedRequests'],
  user: ['id', 'username', 'email', 'name', 'role', 'service', 'disabledAt', 'createdAt', 'updatedAt'],
  project: ['id', 'slug', 'name', 'description', 'status', 'owner', 'createdAt', 'updatedAt', 'archivedAt'],
  backup: [
    'id', 'path', 'location', 'createdAt', 'reason', 'sizeBytes', 'rawSizeBytes', 'sha256', 'compression', 'encrypted',
    'schemaVersion', 'rows', 'verifiedAt',
  ],
  importReport: ['id', 'source', 'created', 'updated', 'unchanged', 'refused', 'items', 'ignoredFields'],
  importItem: ['name', 'outcome', 'reason'],
  userRef: ['id', 'username'],
  projectRef: ['id', 'slug'],
}

interface View {
  readonly fields: readonly string[]
  readonly schema: JsonSchema
}
const isView = (value: unknown): value is View =>
  typeof value === 'object' && value !== null && 'fields' in value && 'schema' in value
const folder = join(import.meta.dir, 'views')
const files: readonly object[] = await Promise.all(
  readdirSync(folder).map(file => import(join(folder, file))),
)
const actual = new Map<string, View>(
  files.flatMap(file =>
    Object.entries(file).flatMap(([name, value]: [string, unknown]) =>
      isView(value) ? [[name, value]] : [],
    ),
  ),
)

/** The schema of a value that is not null. */
const bare = (schema: JsonSchema): JsonSchema => schema.anyOf?.find(each => each.type !== 'null') ?? schema

/** The schema at a path such as `healthReport.checks.status`, through lists and null. */
function at(path: string): JsonSchema {
  const [view = '', ...steps] = path.split('.')
  return steps.reduce((schema: JsonSchema, step) => {
    const object = bare(schema)
    const rows = object.items ?? object
    return rows.properties?.[step] ?? {}
  }, actual.get(view)?.schema ?? {})
}
const inner = (path: string): JsonSchema => bare(at(path)).items ?? bare(at(path))

function expectKept(what: string, written: readonly string[], found: readonly string[]): void {
  const gone = written.filter(name => !found.includes(name))
  const added = found.filter(name => !written.includes(name))
  expect(gone, `scripts rely on ${what}: these may not be removed or renamed`).toEqual([])
  expect(added, `${what} has grown: add this to src/contract/contract.test.ts, where it will stay`).toEqual(
    [],
  )
}

describe('fields', () => {
  test('every view is written out here', () => {
    expectKept('the views', Object.keys(fields), [...actual.keys()])
  })

  test.each(Object.entries(fields))('of %s', (view, written) => {
    expectKept(`the fields of ${view}`, written, actual.get(view)?.fields ?? [])
  })

  test.each(Object.entries(innerFields))('of %s', (path, written) => {
    expectKept(`the fields of ${path}`, written, Object.keys(inner(path).properties ?? {}))
  })

  test.each(Object.entries(promised))('%s has what was promised', (view, names) => {
    const gone = names.filter(name => !actual.get(view)?.fields.includes(name))
    expect(gone, `scripts rely on the fields of ${view}: these were promised for good`).toEqual([])
  })

  test('are printed whether they have a value or not', () => {
    for (const [name, { schema, fields }] of actual)
      expect([...(schema.required ?? [])], name).toEqual([...fields])
  })
})

describe('choices', () => {
  test.each(Object.entries(choices))('of %s', (path, written) => {
    expectKept(`the values of ${path}`, written, (inner(path).enum ?? []).map(String))
  })

  test('every field that chooses is written out here', () => {
    const found: string[] = []
    const visit = (path: string, schema: JsonSchema): void => {
      const object = bare(schema)
      if (object.enum) found.push(path)
      if (object.items) visit(path, object.items)
      // A view inside another is written out once, under its own name.
      const own = [...actual.values()].some(view => view.schema.properties === object.properties)
      if (path.includes('.') && own) return
      for (const [name, each] of Object.entries(object.properties ?? {})) visit(`${path}.${name}`, each)
    }
    for (const [name, { schema }] of actual) visit(name, schema)
    const inherited = [
      'createdBackup.compression',
      'exportedAuditEntry.as',
      'exportedAuditEntry.origin',
      'listedBackup.compression',
      'limitState.metric',
      'limitState.period',
      'putLimit.metric',
      'putLimit.period',
      'createdKey.status',
      'changedKey.status',
      'createdUser.role',
      'createdUser.status',
      'changedUser.role',
      'changedUser.status',
      'passwordSet.role',
      'createdSession.status',
      'passwordSet.status',
      'createdProject.status',
      'keyDetails.status',
      'userDetails.role',
      'userDetails.status',
      'projectDetails.status',
      'projectDetails.state',
      'changedPrice.source',
      'changedProject.status',
      'rotatedKey.status',
    ]
    expect(found.filter(path => !inherited.includes(path)).sort()).toEqual(Object.keys(choices).sort())
  })

  test.each([
    [
      'keyStatuses',
      words.keyStatuses,
      ['active', 'disabled', 'expired', 'revoked', 'user_disabled', 'project_archived'],
    ],
    ['metrics', words.metrics, ['tokens', 'requests', 'usd', 'parallel']],
    ['roles', words.roles, ['admin', 'member', 'viewer']],
    ['capacities', words.capacities, ['operator', 'backend', 'user']],
    ['origins', words.origins, ['terminal', 'cron', 'service', 'script', 'library']],
    [
      'reportGroups',
      words.reportGroups,
      ['key', 'user', 'project', 'org', 'team', 'model', 'hour', 'day', 'week', 'month'],
    ],
  ] as const)('%s', (name, found, written) => {
    expectKept(name, written, found)
  })
})

describe('errors', () => {
  test('every code has the exit code that scripts look for', () => {
    expectKept('the error codes', Object.keys(codes), Object.keys(exitCodes))
    expect<Record<string, number>>(
      exitCodes,
      'scripts rely on these exit codes: they may not change',
    ).toEqual(codes)
  })

  test('every exit code is explained, and no other', () => {
    const used = new Set([0, ...Object.values(exitCodes)])
    expect(Object.keys(exitMeanings).map(Number)).toEqual([...used].sort((a, b) => a - b))
  })

  test('an error carries its code, its exit code and the next step', () => {
    const { code, exit, hint, message } = new LatchkeyError('busy', 'it is busy', 'try again')
    expect({ code, exit, hint, message }).toEqual({
      code: 'busy',
      exit: 75,
      hint: 'try again',
      message: 'it is busy',
    })
  })
})
