/**
 * What every operation returns and every `--json` prints. Fields are only ever added: scripts rely on these
 * names. Imports nothing but the vocabulary it is written in.
 */
import {
  anything,
  as,
  choice,
  extend,
  flag,
  foreign,
  integer,
  type JsonSchema,
  list,
  mapOf,
  nullable,
  number,
  type Of,
  object,
  openObject,
  text,
  time,
} from './shape.ts'

export const keyStatuses = ['active', 'disabled', 'expired', 'revoked'] as const
export const metrics = ['tokens', 'requests', 'usd'] as const
export const roles = ['admin', 'member', 'viewer'] as const
/** What keys can be listed in the order of. */
export const keySorts = ['name', 'created', 'expires', 'last-used', 'tokens', 'cost'] as const
export const origins = ['terminal', 'cron', 'service', 'script', 'library'] as const
export const verdictCodes = [
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
  'limit_exceeded',
] as const
export const reportGroups = ['key', 'user', 'project', 'model', 'hour', 'day', 'week', 'month'] as const
export const reportOrders = ['tokens', 'requests', 'cost'] as const
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

export type KeyStatus = (typeof keyStatuses)[number]
export type Metric = (typeof metrics)[number]
export type KeySort = (typeof keySorts)[number]
export type Role = (typeof roles)[number]
export type Origin = (typeof origins)[number]
export type VerdictCode = (typeof verdictCodes)[number]
export type ReportGroup = (typeof reportGroups)[number]
export type ReportOrder = (typeof reportOrders)[number]

export const userRef = object('UserRef', { id: text('Id of the user'), username: text('Unique username') })
export const projectRef = object('ProjectRef', { id: text('Id of the project'), slug: text('Unique slug') })
export const keyRef = object('KeyRef', { id: text('Id of the key'), name: text('Unique name') })

export const limit = object('Limit', {
  metric: choice(metrics, 'What is counted'),
  amount: number('Most that may be used within the window; dollars when the metric is usd'),
  windowMs: integer('Length of the rolling window in milliseconds'),
})

export const limitSubject = object('LimitSubject', {
  type: choice(['key', 'user', 'project'], 'Whom the limit binds: one key, or all keys of a user or project'),
  id: text('Id of the key, user or project'),
  name: text('Name of the key, username or slug'),
})

export const limitState = extend('LimitState', limit, {
  subject: as(limitSubject, 'Whose limit it is'),
  used: number('Used within the window that ends now, what is reserved included'),
  reserved: number('Held by requests under way: part of what is used'),
  remaining: number('What is left: never below 0'),
  exceeded: flag('Whether this limit denies the request'),
  retryAt: nullable(
    time('First moment at which enough has aged out; null when nothing has to, or nothing can'),
  ),
})

export const limitForecast = extend('LimitForecast', limitState, {
  frees: list(
    object('Freed', { at: time('When'), remaining: number('What is left then, if nothing is used until') }),
    'When something is free again, half of what is used up, and all of it',
  ),
})

export const key = object('Key', {
  id: text('key_ and a time-sorted id'),
  name: text('Unique name'),
  start: text('First characters of the current secret, for recognising it'),
  status: choice(keyStatuses, 'Derived: revoked wins over expired, over disabled, over active'),
  user: nullable(as(userRef, 'Who the key belongs to')),
  project: nullable(as(projectRef, 'What the key is for')),
  model: nullable(text('Model that replaces whatever a request asks for')),
  allowedModels: nullable(list(text('A name or a pattern with *'), 'Models the key may use; null is any')),
  scopes: list(text('A scope'), 'What the key may do'),
  limits: list(limit, 'Rolling limits'),
  createdAt: time('When it was created'),
  updatedAt: time('When it was last changed'),
  expiresAt: nullable(time('When it stops working')),
  disabledAt: nullable(time('Since when it is disabled')),
  revokedAt: nullable(time('Since when it is revoked, for good')),
  revokedReason: nullable(text('Why it was revoked')),
  lastUsedAt: nullable(time('Latest recorded use')),
  metadata: nullable(anything('JSON that belongs to the operator')),
})

export const createdKey = extend('CreatedKey', key, {
  secret: nullable(text('The secret, shown this once; null in a dry run, or when it went to a file')),
  secretFile: nullable(text('The new file that holds the secret, when one was asked for')),
})

export const rotatedKey = extend('RotatedKey', createdKey, {
  previousSecretEndsAt: time('When the previous secret stops working'),
  repeated: flag('Whether this only tells of a rotation that an earlier try had done'),
})

export const verdict = object('Verdict', {
  valid: flag('Whether the request may go ahead'),
  code: choice(verdictCodes, 'Why'),
  key: nullable(as(key, 'The key that the secret belongs to')),
  limits: list(limitState, 'Every limit that was looked at'),
  retryAt: nullable(time('When to try again, if a limit was hit and time alone helps')),
})

/** What POST /v1/reservations answers. */
export const reserved = object('Reserved', {
  reservation: nullable(
    as(
      object('Reservation', {
        id: text('res_ and a time-sorted id, for settling or releasing it'),
        expiresAt: time('When it no longer counts if it is neither settled nor released'),
      }),
      'What is held back; null when the verdict denies',
    ),
  ),
  verdict: as(verdict, 'Its limits are as they stood before the reservation'),
})

const counts = {
  requests: integer('Requests'),
  inputTokens: integer('Input tokens'),
  outputTokens: integer('Output tokens'),
  tokens: integer('All tokens, those that came without a split included'),
  costUsd: number('Cost in dollars'),
}

export const totals = object('Totals', counts)
/** The only view with hashes: what another Latchkey needs to let a key go on working. */
export const exportedKey = extend('ExportedKey', key, {
  hash: text('SHA-256 of the current secret, in hex: it verifies, and cannot be turned back'),
  previousSecrets: list(
    object('PreviousSecret', {
      hash: text('SHA-256 of a secret that a rotation replaced'),
      start: text('Its first characters'),
      createdAt: time('When it was made'),
      endsAt: time('When it stopped, or stops, working'),
    }),
    'Secrets that rotations replaced, oldest first',
  ),
  totals: as(totals, 'All that was ever used'),
})

export const foundSecret = object('FoundSecret', {
  line: integer('Line of the text in which it stands first'),
  count: integer('How many times it stands in the text'),
  start: text('Its first characters, never all of it'),
  checksum: flag('Whether it has the form of a secret of ours and its checksum fits; false of a foreign one'),
  key: nullable(as(keyRef, 'Whose it is; null when it is none that is known here')),
  user: nullable(as(userRef, 'Who the key belongs to')),
  project: nullable(as(projectRef, 'What the key is for')),
  status: nullable(choice(keyStatuses, 'Status of the key')),
  lastUsedAt: nullable(time('Latest recorded use of the key')),
  secret: nullable(choice(['current', 'grace', 'rotated'], 'Which secret of the key it is')),
  live: flag('Whether a request with it would be let through now, limits aside'),
  revoke: nullable(text('The command that ends it; null when it has ended')),
})

export const usagePoint = object('UsagePoint', { start: time('Start of the day'), ...counts })

export const stats = object('Stats', {
  key: as(key, 'The key'),
  totals: as(totals, 'All that was ever used'),
  limits: list(
    limitForecast,
    "Each limit that binds the key as it stands: its own, its user's, its project's",
  ),
  series: list(usagePoint, 'Use by day, oldest first, empty days included'),
})

export const usageRow = object('UsageRow', {
  key: nullable(as(keyRef, 'The key, when grouped by key')),
  user: nullable(as(userRef, 'The user, when grouped by user and the key has one')),
  project: nullable(as(projectRef, 'The project, when grouped by project and the key has one')),
  model: nullable(text('The model, when grouped by model')),
  start: nullable(time('Start of the hour, day, week or month, when grouped by one')),
  ...counts,
})

export const recorded = object('Recorded', {
  key: as(keyRef, 'The key that was charged'),
  model: nullable(text('The model')),
  at: time('When the request was made'),
  requests: integer('Requests'),
  inputTokens: integer('Input tokens'),
  outputTokens: integer('Output tokens'),
  costUsd: number('Cost in dollars'),
})

export const price = object('Price', {
  model: text('A name, or a pattern in which * stands for any characters'),
  inputUsd: number('Dollars per million input tokens'),
  outputUsd: number('Dollars per million output tokens'),
  startsAt: nullable(time('Since when it holds; null when it always did')),
  current: flag('Whether it is the one in force now'),
})

export const ingestReport = object('IngestReport', {
  file: text('What was read; stdin for a stream'),
  sha256: text('SHA-256 of its content, unpacked, in hex'),
  alreadyCounted: flag('Whether the same content was counted before, so that nothing was to be done'),
  events: integer('Events in it, bad ones included'),
  counted: integer('Events that were counted'),
  duplicates: integer('Events left out because one with the same id was counted'),
  bad: integer('Lines left out because they could not be counted'),
  unpriced: integer('Counted events without a cost whose model has no price: they count as free'),
  keys: integer('Keys that were charged'),
  problems: list(
    object('IngestProblem', {
      line: integer('Number of the line, from 1'),
      problem: text('What is wrong with it'),
    }),
    'The first bad lines',
  ),
})

/** What POST /v1/usage answers. */
export const usageReceipt = object('UsageReceipt', {
  events: integer('Events that were sent'),
  counted: integer('Events that were counted'),
  duplicates: integer('Events left out because one with the same id was counted'),
})

export const compacted = object('Compacted', {
  rowsBefore: integer('Buckets before'),
  rowsAfter: integer('Buckets after'),
  foldedIntoHours: integer('Buckets that went into hours'),
  foldedIntoDays: integer('Buckets that went into days'),
  reservationsRemoved: integer('Reservations removed because their time was long up'),
  eventsForgotten: integer('Ids of counted events forgotten because of their age'),
  filesForgotten: integer('Counted files forgotten because of their age'),
})

const runningTotals = object('RunningTotals', {
  requests: integer('Requests'),
  inputTokens: integer('Input tokens'),
  outputTokens: integer('Output tokens'),
  otherTokens: integer('Tokens that came without a split'),
  costUsd: number('Cost in dollars'),
})

export const usageCheck = object('UsageCheck', {
  ok: flag('Whether the totals of all keys are what was recorded, or are now'),
  keys: integer('Keys that were looked at'),
  repaired: flag('Whether what differed was mended'),
  differences: list(
    object('UsageDifference', {
      key: as(keyRef, 'The key'),
      total: as(runningTotals, 'What its running totals say'),
      recorded: as(runningTotals, 'What its buckets, and what it brought along, add up to'),
    }),
    'Keys whose totals differ from what was recorded',
  ),
})

export const user = object('User', {
  id: text('usr_ and a time-sorted id'),
  username: text('Unique username'),
  email: nullable(text('Unique email address')),
  name: nullable(text('Name for display')),
  role: choice(roles, 'Role, for the backend to act on'),
  service: flag('Whether this is a service account'),
  hasPassword: flag('Whether a password is set'),
  limits: list(limit, 'Rolling limits on all their keys together'),
  disabledAt: nullable(time('Since when the user and all their keys are off')),
  createdAt: time('When it was created'),
  updatedAt: time('When it was last changed'),
})

export const projectMember = object('ProjectMember', {
  user: as(userRef, 'The member'),
  role: choice(roles, 'Role in this project'),
})

export const project = object('Project', {
  id: text('prj_ and a time-sorted id'),
  slug: text('Unique slug'),
  name: text('Name for display'),
  description: nullable(text('What it is for')),
  status: choice(['active', 'archived'], 'Derived from archivedAt'),
  keyPrefix: nullable(text('Prefix of the secrets of its keys; null is lk')),
  owner: as(userRef, 'Who owns it'),
  members: list(projectMember, 'Who takes part, the owner aside'),
  limits: list(limit, 'Rolling limits on all its keys together'),
  createdAt: time('When it was created'),
  updatedAt: time('When it was last changed'),
  archivedAt: nullable(time('Since when it is archived and its keys are off')),
})

export const importTypes = ['user', 'project', 'key'] as const

export const importItem = object('ImportItem', {
  type: choice(importTypes, 'What it is'),
  name: text('Name of the key, username of the user, slug of the project'),
  outcome: choice(['created', 'updated', 'unchanged', 'refused'], 'What was done'),
  reason: nullable(text('Why, where it needs saying')),
})

export const leftBehind = object('LeftBehind', {
  name: text('Name of the table'),
  rows: integer('How many rows it has'),
})

export const importReport = object('ImportReport', {
  id: text('imp_ and a time-sorted id'),
  source: text('Where the data came from'),
  created: integer('Users, projects and keys created'),
  updated: integer('Those updated'),
  unchanged: integer('Those that were already as in the source, or linked to a user who was here'),
  refused: integer('Those that were left out'),
  items: list(importItem, 'One row per user, project and key'),
  ignoredFields: list(text('A field'), 'Fields of the source that have no home here'),
  leftBehind: list(leftBehind, 'Tables of the source that have no home here'),
  notes: list(text('A sentence'), 'What is to be known of the source as a whole'),
})

export const importSummary = object('ImportSummary', {
  id: text('imp_ and a time-sorted id'),
  source: text('Where the data came from'),
  at: time('When it was imported'),
  created: integer('Users, projects and keys created'),
  updated: integer('Those updated'),
  unchanged: integer('Those that were already as in the source'),
  refused: integer('Those that were left out'),
  undoneAt: nullable(time('When it was undone')),
})

export const importUndoItem = object('ImportUndoItem', {
  type: choice(importTypes, 'What it is'),
  name: text('Name of the key, username of the user, slug of the project'),
  outcome: choice(
    ['removed', 'reverted', 'kept', 'gone'],
    'removed: the import had made it; reverted: as it was before; kept: changed or used since; gone: deleted since',
  ),
  reason: nullable(text('Why, where it needs saying')),
})

export const importUndo = object('ImportUndo', {
  id: text('The import that was undone'),
  source: text('Where its data came from'),
  removed: integer('Users, projects and keys removed'),
  reverted: integer('Those that are as they were before'),
  kept: integer('Those that were changed or used since, and stay'),
  gone: integer('Those that were deleted since'),
  items: list(importUndoItem, 'One row per user, project and key that the import made or changed'),
})

export const migration = object('Migration', {
  version: integer('Number of the migration, from 1'),
  name: text('Its name'),
  state: choice(['applied', 'pending', 'changed', 'unknown'], 'Against the database'),
  appliedAt: nullable(time('When it was applied')),
})

export const schemaState = object('SchemaState', {
  path: text('The database'),
  current: integer('Schema version of the database'),
  latest: integer('Schema version of this program'),
  migrations: list(migration, 'Every migration, oldest first'),
})

export const migrated = object('Migrated', {
  path: text('The database'),
  from: integer('Schema version before'),
  to: integer('Schema version after'),
  steps: list(text('Name of a migration'), 'What was applied or taken back, in order'),
  backup: nullable(text('Id of the backup taken first; null when nothing had to change')),
  lost: mapOf(integer('Rows or values'), 'Rows that are gone by table, values that are by table.column'),
})

export const migrationPlan = object('MigrationPlan', {
  path: text('The database'),
  from: integer('Schema version now'),
  to: integer('Schema version after'),
  steps: list(
    object('PlannedStep', {
      version: integer('Number of the migration'),
      name: text('Its name'),
      direction: choice(['up', 'down'], 'Applied or taken back'),
      sql: text('What runs'),
    }),
    'What would run, in order, as one transaction',
  ),
  lost: mapOf(integer('Rows or values'), 'Rows that would go by table, values that would by table.column'),
})

export const schemaEvent = object('SchemaEvent', {
  at: time('When'),
  event: choice(['init', 'up', 'down', 'restore'], 'What moved the schema'),
  from: nullable(integer('Schema version before; null when it is not known')),
  to: integer('Schema version after'),
  steps: list(text('Name of a migration'), 'What was applied or taken back, in order'),
  actor: nullable(text('Who; null where only the history of migrations tells of it')),
  backup: nullable(text('Id of the backup taken first, or of the one restored')),
  programVersion: nullable(text('Version of Latchkey that did it')),
})

export const schemaCheck = object('SchemaCheck', {
  path: text('The database'),
  ok: flag('Whether nothing was found'),
  problems: list(
    object('SchemaProblem', {
      kind: choice(['history', 'schema', 'foreign_key', 'integrity'], 'What kind of check found it'),
      detail: text('What was found'),
    }),
    'What was found',
  ),
})

export const backup = object('Backup', {
  id: text('bak_ and a time-sorted id'),
  path: text('The file'),
  location: text('The folder it lies in, or s3://bucket/prefix'),
  createdAt: time('When the copy was taken'),
  reason: text('manual, schedule, pre-restore, pre-migrate or what the operator gave'),
  sizeBytes: integer('Size of the file'),
  rawSizeBytes: integer('Size of the database inside'),
  sha256: text('SHA-256 of the file, in hex'),
  compression: choice(['none', 'zstd', 'gzip'], 'How it is compressed'),
  encrypted: flag('Whether it is encrypted'),
  schemaVersion: integer('Schema version of the database inside'),
  programVersion: text('Version of Latchkey that made it'),
  rows: mapOf(integer('Rows'), 'Rows per table'),
  verifiedAt: nullable(time('When it last passed a verification')),
  failedAt: nullable(time('When its last verification failed; null when that passed')),
  problem: nullable(text('What that verification found')),
})

export const createdBackup = extend('CreatedBackup', backup, {
  pruned: list(text('Id of a backup'), 'Backups that were removed after this one was taken'),
})

export const backupPruning = object('BackupPruning', {
  id: text('Id of the backup'),
  path: text('The file'),
  createdAt: time('When the copy was taken'),
  reason: text('Why it was taken'),
  sizeBytes: integer('Size of the file'),
  outcome: choice(['kept', 'removed'], 'What becomes of it'),
  because: list(text('A reason'), 'Every rule that keeps it, or why none does'),
})

export const backupStatus = object('BackupStatus', {
  location: text('Where was looked'),
  status: choice(['fresh', 'stale', 'failed'], 'failed: a backup did not pass its last verification'),
  problem: nullable(text('What is wrong')),
  newest: nullable(as(backup, 'The newest backup that is not known to be bad')),
  ageMs: nullable(integer('Its age in milliseconds')),
  maxAgeMs: integer('The age from which it is stale, in milliseconds'),
})

export const backupSchedule = object('BackupSchedule', {
  manager: choice(['crontab', 'systemd'], 'What runs it'),
  name: text('The mark by which our own entry is known'),
  cron: nullable(text('When, as five fields of cron; null when it was taken away')),
  nextRun: nullable(time('When it runs next')),
  log: nullable(text('Where its output goes; null is the journal of systemd')),
  entries: list(
    object('ScheduleEntry', {
      path: nullable(text('The file; null is the crontab of the user')),
      content: text('What stands in it'),
    }),
    'What was written, or taken away',
  ),
  changed: flag('Whether anything was written or taken away'),
})

export const backupCheck = object('BackupCheck', {
  id: text('Id of the backup'),
  path: text('The file'),
  outcome: choice(['passed', 'failed', 'aborted'], 'aborted: it could not be checked, which is no pass'),
  problem: nullable(text('What is wrong with it')),
  checkedAt: time('When it was checked'),
})

export const changes = object('Changes', {
  added: list(text('A name'), 'Come with the backup and are not there now'),
  removed: list(text('A name'), 'Are there now and not in the backup'),
  changed: list(text('A name'), 'Differ in more than what they have used'),
})

const holder = object('Holder', { pid: integer('Process id'), command: text('What it runs, shortened') })

export const restored = object('Restored', {
  path: text('The database that was restored'),
  backup: as(backup, 'What it was restored from'),
  safetyBackup: nullable(as(backup, 'What was there before; null when there was nothing readable')),
  movedAside: list(text('A file'), 'Files of a damaged database that were moved aside'),
  schemaVersion: integer('Schema version after the restore'),
  rows: mapOf(integer('Rows'), 'Rows per table after the restore'),
  before: nullable(mapOf(integer('Rows'), 'Rows per table before; null when there was nothing readable')),
  changes: nullable(
    as(
      object('RestoredNames', {
        keys: as(changes, 'Keys, by name'),
        users: as(changes, 'Users, by username'),
        projects: as(changes, 'Projects, by slug'),
      }),
      'What differs by name; null when there was nothing readable',
    ),
  ),
  openBy: list(holder, 'Other processes that had the database open'),
})

export const auditEntry = object('AuditEntry', {
  id: text('aud_ and a time-sorted id'),
  at: time('When'),
  actor: text('Who: LATCHKEY_ACTOR or the user of the operating system'),
  origin: choice(origins, 'From where'),
  action: text('What, as noun.verb'),
  target: as(
    object('AuditTarget', {
      type: text('On what kind of thing'),
      id: text('Its id'),
      name: nullable(text('Its name at the time')),
    }),
    'What it was done to',
  ),
  before: nullable(anything('What changed, as it was')),
  after: nullable(anything('What changed, as it became')),
})

export const healthReport = object('HealthReport', {
  path: text('The database'),
  status: choice(['ok', 'warning', 'failed'], 'The worst of the checks'),
  damaged: flag('Whether the file or its schema is not what it must be: restore or mend it'),
  checks: list(
    object('HealthCheck', {
      name: choice(
        [
          'settings',
          'reachable',
          'writable',
          'schema',
          'integrity',
          'usage',
          'permissions',
          'disk_space',
          'last_backup',
          'clock',
          'wal',
          'age_files',
          'schedule',
          'backup_bytes',
        ],
        'What was looked at',
      ),
      status: choice(['ok', 'warning', 'failed', 'skipped'], 'What was found'),
      value: nullable(anything('What was measured: bytes, milliseconds, versions')),
      problem: nullable(text('What is wrong')),
      mend: nullable(text('What to do about it')),
    }),
    'Every check',
  ),
})

export const initialized = object('Initialized', {
  path: text('The new database'),
  schemaVersion: integer('Its schema version'),
  user: nullable(as(userRef, 'The first user, if one was asked for')),
})

export const jsonSchema = foreign<JsonSchema>(
  'JsonSchema',
  'https://json-schema.org/draft/2020-12/schema',
  'A JSON Schema of draft 2020-12',
)

export const completionInstalled = object('CompletionInstalled', {
  shell: choice(['bash', 'zsh', 'fish'], 'What it completes in'),
  path: text('Where the script is'),
  changed: flag('Whether it was not there like this before'),
  activate: nullable(text('What else it takes; null when nothing')),
})

export const manPage = object('ManPage', {
  name: text('Its name, such as latchkey-key-create'),
  section: integer('Its section of the manual'),
  path: nullable(text('Where it was written; null when it was only printed')),
  text: text('The page in roff, of man(7)'),
})

export const configValue = object('ConfigValue', {
  name: text('Name of the setting'),
  value: nullable(text('Its value')),
  source: text('flag, a variable of the environment, a file, or default'),
})

export const databaseInfo = object('DatabaseInfo', {
  path: text('The database'),
  sizeBytes: integer('Its size'),
  walBytes: integer('Size of its write-ahead log'),
  pageSizeBytes: integer('Size of a page'),
  pages: integer('Pages in the file'),
  freePages: integer('Pages that hold nothing: db vacuum gives them back'),
  journalMode: text('How SQLite makes changes safe; wal for a database that has been written to'),
  sqliteVersion: text('Version of SQLite in this program'),
  schemaVersion: integer('Its schema version'),
  latestSchemaVersion: integer('The newest schema version that this program knows'),
  rows: mapOf(integer('Rows'), 'Rows per table'),
  openBy: list(holder, 'Other processes that have it open, where the system tells'),
})

export const vacuumed = object('Vacuumed', {
  path: text('The database'),
  bytesBefore: integer('Its size before'),
  bytesAfter: integer('Its size now; in a dry run about what it would be'),
})

export const optimized = object('Optimized', {
  path: text('The database'),
  statements: list(text('SQL'), 'What was run, or would be in a dry run'),
})

export const queryRow = openObject('QueryRow')

export const configChange = object('ConfigChange', {
  name: text('Name of the setting'),
  value: nullable(text('Its new value')),
  path: text('The file that was changed'),
  profile: nullable(text('The profile it belongs to')),
  hiddenBy: nullable(text('The file whose own value of it wins in this folder')),
})

export const settingsCheck = object('SettingsCheck', {
  path: text('The file'),
  scope: choice(['folder', 'user'], 'Whether it lies in the current folder or belongs to the user'),
  exists: flag('Whether there is such a file'),
  ok: flag('Whether all of it can be used'),
  profiles: list(text('Name of a profile'), 'Profiles in it'),
  problem: nullable(text('The first thing that is wrong, and how to mend it')),
})

export const demoReport = object('DemoReport', {
  ok: flag('Whether every step went as it should'),
  steps: list(
    object('DemoStep', {
      about: text('What the step shows'),
      command: text('What was run'),
      exit: integer('Its exit code'),
      output: text('What it printed'),
    }),
    'Every step, in order',
  ),
})

/** A run of the server, once it is over. */
export const served = object('Served', {
  addresses: list(text('URL, or unix: and a path'), 'Where it listened'),
  startedAt: time('When it began to'),
  stoppedAt: time('When the last request was answered and all usage was on disk'),
  signal: nullable(choice(['SIGINT', 'SIGTERM'], 'What ended it; null in a dry run')),
  requests: integer('Requests that were answered'),
})

export const studio = object('Studio', {
  address: text('The page that shows it'),
  startedAt: time('When it began to'),
  stoppedAt: time('When it had ended, and its copy was gone'),
  signal: choice(['SIGINT', 'SIGTERM'], 'What ended it'),
})

/** How far something long has come, for `--progress json`. */
export const progress = object('Progress', {
  step: choice(progressSteps, 'What is going on; one run goes through several, perhaps more than once'),
  done: integer('How much of the step is done'),
  total: nullable(integer('How much there is of it; null when nobody knows beforehand')),
  unit: choice(progressUnits, 'What is counted'),
  rate: nullable(number('Units a second since the step began; null as long as nothing is done')),
  etaMs: nullable(integer('Milliseconds until the step is done, at that rate')),
})

export type UserRef = Of<typeof userRef>
export type ProjectRef = Of<typeof projectRef>
export type KeyRef = Of<typeof keyRef>
export type Limit = Of<typeof limit>
export type LimitSubject = Of<typeof limitSubject>
export type LimitState = Of<typeof limitState>
export type LimitForecast = Of<typeof limitForecast>
export type Key = Of<typeof key>
export type CreatedKey = Of<typeof createdKey>
export type ExportedKey = Of<typeof exportedKey>
export type FoundSecret = Of<typeof foundSecret>
export type RotatedKey = Of<typeof rotatedKey>
export type Verdict = Of<typeof verdict>
export type Reserved = Of<typeof reserved>
export type Totals = Of<typeof totals>
export type UsagePoint = Of<typeof usagePoint>
export type Stats = Of<typeof stats>
export type UsageRow = Of<typeof usageRow>
export type Recorded = Of<typeof recorded>
export type Price = Of<typeof price>
export type IngestReport = Of<typeof ingestReport>
export type UsageReceipt = Of<typeof usageReceipt>
export type Compacted = Of<typeof compacted>
export type UsageCheck = Of<typeof usageCheck>
export type User = Of<typeof user>
export type ProjectMember = Of<typeof projectMember>
export type Project = Of<typeof project>
export type ImportItem = Of<typeof importItem>
export type ImportReport = Of<typeof importReport>
export type LeftBehind = Of<typeof leftBehind>
export type ImportSummary = Of<typeof importSummary>
export type ImportUndoItem = Of<typeof importUndoItem>
export type ImportUndo = Of<typeof importUndo>
export type Migration = Of<typeof migration>
export type SchemaState = Of<typeof schemaState>
export type Migrated = Of<typeof migrated>
export type MigrationPlan = Of<typeof migrationPlan>
export type SchemaEvent = Of<typeof schemaEvent>
export type SchemaCheck = Of<typeof schemaCheck>
export type Backup = Of<typeof backup>
export type CreatedBackup = Of<typeof createdBackup>
export type BackupPruning = Of<typeof backupPruning>
export type BackupStatus = Of<typeof backupStatus>
export type BackupSchedule = Of<typeof backupSchedule>
export type BackupCheck = Of<typeof backupCheck>
export type Changes = Of<typeof changes>
export type Restored = Of<typeof restored>
export type AuditEntry = Of<typeof auditEntry>
export type HealthReport = Of<typeof healthReport>
export type Initialized = Of<typeof initialized>
export type CompletionInstalled = Of<typeof completionInstalled>
export type ManPage = Of<typeof manPage>
export type ConfigValue = Of<typeof configValue>
export type DatabaseInfo = Of<typeof databaseInfo>
export type Vacuumed = Of<typeof vacuumed>
export type Optimized = Of<typeof optimized>
export type ConfigChange = Of<typeof configChange>
export type SettingsCheck = Of<typeof settingsCheck>
export type Studio = Of<typeof studio>
export type Served = Of<typeof served>
export type DemoReport = Of<typeof demoReport>
/** How far an operation has come; whoever shows it works out the rest. */
export type Progress = Omit<Of<typeof progress>, 'rate' | 'etaMs'>
export type ProgressListener = (progress: Progress) => void
