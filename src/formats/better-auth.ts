/**
 * Reads the users, accounts, sessions, organizations and keys of an application on Better Auth, from a SQLite file or a server, in the
 * layouts that its adapters for Kysely and Drizzle make: names in camelCase or snake_case, singular or plural, with or without a
 * prefix; times as text or numbers. Reports all problems; the importer decides about them.
 */
import type { ImportedRow } from '../contract/nouns.ts'
import { windowRangeMs } from '../contract/views/words.ts'
import { isForeignUrl } from '../text/address.ts'
import { many } from '../text/quantity.ts'
import { Fields, isRecord, type Report, type Row } from './fields.ts'
import type {
  ForeignData,
  ForeignKey,
  ForeignLimit,
  ForeignRow,
  ForeignUser,
  Problem,
} from './foreign-data.ts'
import { otherTables } from './foreign-tables.ts'
import { jsonOrText } from './json-text.ts'
import { type ForeignDatabase, type ForeignSource, invalid, withSource } from './source.ts'

/** Names of tables and columns here are in lower case and without underscores. */
const models = {
  user: 'id email emailverified name image createdat updatedat role banned banreason banexpires username displayusername',
  account:
    'id accountid providerid userid issuer accesstoken refreshtoken idtoken accesstokenexpiresat refreshtokenexpiresat scope password createdat updatedat',
  session:
    'id token userid expiresat ipaddress useragent createdat updatedat impersonatedby activeorganizationid activeteamid',
  organization: 'id name slug logo metadata createdat updatedat',
  organizationrole: 'id organizationid role permission createdat updatedat',
  member: 'id organizationid userid role createdat',
  team: 'id name organizationid createdat updatedat membercount',
  teammember: 'id teamid userid createdat membershipkey',
  invitation: 'id organizationid email role teamid status expiresat inviterid createdat',
  apikey:
    'id name start prefix key userid referenceid configid enabled expiresat createdat updatedat permissions metadata lastrequest remaining refillinterval refillamount lastrefillat ratelimitenabled ratelimittimewindow ratelimitmax requestcount',
} as const

export type AuthModel = keyof typeof models

/** Without these a row says nothing. */
const required: Readonly<Record<AuthModel, string>> = {
  user: 'id email emailverified',
  account: 'id accountid providerid userid',
  session: 'id token userid expiresat',
  organization: 'id name',
  organizationrole: 'organizationid role permission',
  member: 'id organizationid userid role',
  team: 'id name organizationid',
  teammember: 'id teamid userid',
  invitation: 'id organizationid email status expiresat',
  apikey: 'id key',
}

/** The rows of a source by their model. One without a table has no rows. */
export interface AuthTables {
  readonly rows: (model: AuthModel) => readonly Row[]
  readonly has: (model: AuthModel) => boolean
  /** What a table and a column are called there; undefined if there is none. */
  readonly table: (model: AuthModel) => string | undefined
  readonly column: (model: AuthModel, name: string) => string | undefined
  readonly ignoredFields: readonly string[]
  readonly leftBehind: ForeignData['leftBehind']
  readonly notes: readonly string[]
}

/** @throws as `withSource` and `tablesAt`; invalid (not a database of Better Auth) */
export async function readAuthTables(input: ForeignSource): Promise<AuthTables> {
  const { file, sqlite, server } = input
  if (isForeignUrl(file)) {
    const database = await server.tablesAt(file, tables => [...chosen(tables).values()])
    return authTables(database, [])
  }
  return withSource(input, source => {
    if (source.kind === 'text') {
      throw invalid(
        `${file} is not a SQLite database`,
        'give the database of the application, or its postgres:// or mysql:// URL',
      )
    }
    return sqlite.withTables(file, source.path, database => authTables(database, source.notes))
  })
}

/** Reads everything, with all problems of the fields. @throws as `readAuthTables` */
export async function readBetterAuth(input: ForeignSource): Promise<ForeignData> {
  const tables = await readAuthTables(input)
  const problems: Problem[] = []
  const read = <T>(type: Problem['type'], model: AuthModel, reader: (fields: Fields, row: Row) => T) =>
    tables.rows(model).map((row, index) => {
      const report: Report = (field, problem) => problems.push({ type, index, field, problem })
      return reader(new Fields(row, report), row)
    })
  const passwords = new Map(
    tables
      .rows('account')
      .filter(row => row['providerid'] === 'credential' && typeof row['password'] === 'string')
      .map(row => [row['userid'], String(row['password'])]),
  )
  const organizations = new Set(tables.rows('organization').map(row => row['id']))
  return {
    users: read('user', 'user', (fields, row) => userOf(fields, passwords.get(row['id']) ?? null)),
    projects: [],
    keys: read('key', 'apikey', (fields, row) => keyOf(fields, row, organizations)),
    listsKeys: tables.has('apikey'),
    others: (Object.keys(rowTypes) as (keyof typeof rowTypes)[]).flatMap(model =>
      tables.rows(model).flatMap(row => rowOf(model, row) ?? []),
    ),
    problems,
    ignoredFields: tables.ignoredFields,
    leftBehind: tables.leftBehind,
    notes: [...tables.notes, ...tokenNotes(tables.rows('account'))],
  }
}

function tokenNotes(accounts: readonly Row[]): readonly string[] {
  const tokens = ['accesstoken', 'refreshtoken', 'idtoken']
  const count = accounts.filter(row => tokens.some(token => row[token])).length
  if (count === 0) return []
  const whose =
    count === 1 ? 'an account of another provider has' : `${count} accounts of other providers have`
  return [`${whose} tokens, which are stored as they are there until the user signs in again`]
}

const plain = (name: string): string => name.toLowerCase().replaceAll('_', '')

/** The table of each model that the source has. */
function chosen(tables: ForeignDatabase['tables']): ReadonlyMap<AuthModel, string> {
  const names = [...tables.keys()]
  const named = (name: string) => names.find(each => [name, `${name}s`].includes(plain(each)))
  const found = names
    .filter(name => /users?$/.test(plain(name)) && missingIn('user', tables.get(name) ?? []).length === 0)
    .map(name => {
      const prefix = plain(name).replace(/users?$/, '')
      const all = Object.keys(models).flatMap(model => {
        const table = model === 'user' ? name : named(`${prefix}${model}`)
        return table === undefined ? [] : [[model as AuthModel, table] as const]
      })
      return new Map(all)
    })
  // An application may have another table of users of its own.
  return found.toSorted((a, b) => b.size - a.size)[0] ?? new Map()
}

function missingIn(model: AuthModel, columns: readonly string[]): readonly string[] {
  const there = columns.map(plain)
  return required[model].split(' ').filter(column => !there.includes(column))
}

/** @throws invalid */
function authTables(database: ForeignDatabase, notes: readonly string[]): AuthTables {
  const { file, tables, rowsOf } = database
  const tableOf = chosen(tables)
  if (tableOf.size === 0) {
    throw invalid(
      `${file} is not a database of Better Auth: it has no table of users with an email address and emailVerified`,
      'give the database that the application keeps its users in',
    )
  }
  for (const [model, table] of tableOf) {
    const missing = missingIn(model, tables.get(table) ?? [])
    if (missing.length === 0) continue
    throw invalid(
      `${file} is not a supported database of Better Auth: its table ${table} has no column ${missing.join(', ')}`,
      'migrate the application to Better Auth 1.2 or newer first',
    )
  }
  const rows = new Map([...tableOf].map(([model, table]) => [model, rowsOf(table).map(usual)]))
  const ignored = [...tableOf].flatMap(([model, table]) =>
    (tables.get(table) ?? [])
      .filter(column => !models[model].split(' ').includes(plain(column)))
      .map(column => `${table}.${column}`),
  )
  return {
    rows: model => rows.get(model) ?? [],
    has: model => tableOf.has(model),
    table: model => tableOf.get(model),
    column: (model, name) => tables.get(tableOf.get(model) ?? '')?.find(column => plain(column) === name),
    ignoredFields: ignored.sort(),
    leftBehind: otherTables(database, [...tableOf.values()]),
    notes: [
      ...notes,
      ...(tableOf.has('account') ? [] : ['it has no table of accounts: nobody has a password']),
    ],
  }
}

/** Ids may be numbers there. */
const usual = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      const name = plain(column)
      const isId = /id$/.test(name) && (typeof value === 'number' || typeof value === 'bigint')
      return [name, isId ? String(value) : value]
    }),
  )

function userOf(fields: Fields, passwordHash: string | null): ForeignUser {
  const roles = (fields.optionalText('role') ?? '').split(',').map(role => role.trim())
  const email = fields.text('email').trim()
  return {
    id: fields.text('id'),
    username: fields.optionalText('username'),
    email,
    name: fields.optionalText('name'),
    passwordHash,
    createdAt: fields.optionalInstant('createdat'),
    more: {
      emailVerified: fields.flag('emailverified'),
      image: fields.optionalText('image'),
      role: (['admin', 'viewer'] as const).find(role => roles.includes(role)) ?? 'member',
      banned: fields.flag('banned'),
      disabledReason: fields.optionalText('banreason'),
      disabledUntil: fields.optionalInstant('banexpires'),
    },
  }
}

function keyOf(fields: Fields, row: Row, organizations: ReadonlySet<unknown>): ForeignKey {
  const owner = fields.optionalText('referenceid') ?? fields.optionalText('userid')
  const isOfOrganization = owner !== null && organizations.has(owner)
  const { limits, windows, remarks } = limitsOf(fields)
  const { credential, refusal } = credentialOf(fields, row)
  const { scopes, isWhole } = scopesOf(fields.json('permissions'))
  return {
    credential,
    name: fields.optionalText('name'),
    // A key of nobody stays refused.
    userId: isOfOrganization ? null : (owner ?? ''),
    model: null,
    tokenLimit: null,
    expiresAt: fields.optionalInstant('expiresat'),
    revokedAt: null,
    createdAt: fields.optionalInstant('createdat'),
    lastUsedAt: fields.optionalInstant('lastrequest'),
    lifetime: { tokens: null, requests: null, costMicros: null },
    split: null,
    windows,
    more: {
      enabled: row['enabled'] === null || row['enabled'] === undefined || fields.flag('enabled'),
      scopes,
      metadata: parsedText(fields.json('metadata')),
      limits,
      remarks: [
        ...remarks,
        ...(isOfOrganization ? ['belongs to an organization there, and to nobody here'] : []),
        ...(isWhole ? [] : ['some of its permissions cannot be scopes here, and are left out']),
      ],
      refusal,
    },
  }
}

/** The plugin stores SHA-256 in base64url, or the key itself if it is told to. */
function credentialOf(
  fields: Fields,
  row: Row,
): { readonly credential: ForeignKey['credential']; readonly refusal: string | null } {
  const stored = fields.text('key')
  const shown = fields.optionalText('start') ?? fields.optionalText('prefix') ?? ''
  const start = /^[\x21-\x7e]*$/.test(shown) ? shown.slice(0, 12) : ''
  if (typeof row['start'] === 'string' && start !== '' && stored.startsWith(start) && stored.length !== 43) {
    return { credential: { secret: stored }, refusal: null }
  }
  const bytes = Buffer.from(stored, 'base64url')
  const isHash = bytes.length === 32 && bytes.toString('base64url') === stored
  return {
    credential: { hash: isHash ? bytes.toString('hex') : '', start },
    refusal: isHash ? null : 'it is stored in a form that cannot be verified here',
  }
}

/** `{"files":["read"]}` there, and `files:read` here. What cannot be written so is left out: the key may do less then. */
function scopesOf(permissions: unknown): { readonly scopes: readonly string[]; readonly isWhole: boolean } {
  const given = parsedText(permissions)
  if (given === null) return { scopes: [], isWhole: true }
  if (!isRecord(given)) return { scopes: [], isWhole: false }
  const all = Object.entries(given).flatMap(([noun, verbs]) =>
    Array.isArray(verbs) ? verbs.map(verb => `${noun}:${verb}`) : [''],
  )
  const scopes = all.filter(scope => /^[\w.-]+(:[\w.*-]+)*$/.test(scope) && scope.length <= 100)
  return { scopes: [...new Set(scopes)].sort(), isWhole: scopes.length === all.length }
}

/** Older versions wrote the JSON twice. */
const parsedText = (value: unknown): unknown => (typeof value === 'string' ? jsonOrText(value) : value)

const [shortestMs, longestMs] = windowRangeMs

/** What its limits are here: those with a window become rolling ones, and what is used of a refill counts. */
function limitsOf(fields: Fields): Pick<ForeignKey, 'windows'> & {
  readonly limits: readonly ForeignLimit[]
  readonly remarks: readonly string[]
} {
  const limits: ForeignLimit[] = []
  const remarks: string[] = []
  const rolling = (amount: number, windowMs: number, what: string): boolean => {
    if (windowMs < shortestMs || windowMs > longestMs) {
      remarks.push(
        `its ${what} of ${many(amount, 'request')} in ${windowMs} ms has no place here: windows last 1 minute to 366 days`,
      )
      return false
    }
    const twin = limits.findIndex(limit => limit.windowMs === windowMs)
    if (twin >= 0)
      limits.splice(twin, 1, {
        ...rollingRequests,
        amount: Math.min(amount, limits[twin]?.amount ?? amount),
        windowMs,
      })
    else limits.push({ ...rollingRequests, amount, windowMs })
    return true
  }
  const [most, windowMs] = [fields.optionalCount('ratelimitmax'), fields.optionalCount('ratelimittimewindow')]
  if (fields.flag('ratelimitenabled') && most !== null && windowMs !== null)
    rolling(most, windowMs, 'rate limit')
  const remaining = fields.optionalCount('remaining')
  const [amount, every] = [fields.optionalCount('refillamount'), fields.optionalCount('refillinterval')]
  const since = fields.optionalInstant('lastrefillat') ?? fields.optionalInstant('createdat')
  if (remaining === null) return { limits, remarks, windows: [] }
  if (!amount || !every) {
    return {
      limits: [...limits, { metric: 'requests', period: 'total', windowMs: null, amount: remaining }],
      remarks,
      windows: [],
    }
  }
  const isKept = rolling(amount, every, 'refill')
  const requests = Math.max(0, amount - remaining)
  const windows =
    isKept && requests > 0 && since !== null ? [{ start: since, tokens: 0, requests, costMicros: 0 }] : []
  return { limits, remarks, windows }
}

const rollingRequests = { metric: 'requests', period: 'rolling' } as const

type RowReader = (fields: Fields) => Pick<ForeignRow, 'refs' | 'fields'> | null

/** Models that are no nouns of every system, and what a row of each is here. */
const rowTypes = {
  organization: 'org',
  organizationrole: 'role',
  member: 'member',
  team: 'team',
  teammember: 'team_member',
  invitation: 'invitation',
  account: 'account',
  session: 'session',
} as const satisfies Partial<Record<AuthModel, ImportedRow>>

/** What is read of each, besides its id and when it was made. */
const rowReaders: Readonly<Record<keyof typeof rowTypes, RowReader>> = {
  organization: fields => {
    const name = fields.text('name').trim()
    return {
      refs: {},
      fields: {
        name,
        slug: fields.optionalText('slug') ?? name,
        logo: fields.optionalText('logo'),
        metadata: parsedText(fields.json('metadata')),
      },
    }
  },
  organizationrole: fields => ({
    refs: { org: fields.text('organizationid') },
    fields: {
      name: fields.text('role').trim().toLowerCase(),
      permissions: scopesOf(fields.json('permission')).scopes,
    },
  }),
  member: fields => ({
    refs: { org: fields.text('organizationid'), user: fields.text('userid') },
    fields: { role: fields.text('role').trim() },
  }),
  team: fields => ({
    refs: { org: fields.text('organizationid') },
    fields: { name: fields.text('name').trim() },
  }),
  teammember: fields => ({
    refs: { team: fields.text('teamid'), user: fields.text('userid') },
    fields: {},
  }),
  invitation: fields =>
    fields.optionalText('status') === 'pending'
      ? {
          refs: {
            org: fields.text('organizationid'),
            team: fields.optionalText('teamid'),
            inviter: fields.optionalText('inviterid'),
          },
          fields: {
            email: fields.text('email').trim().toLowerCase(),
            role: fields.optionalText('role') ?? 'member',
            status: 'pending',
            expiresAt: fields.instant('expiresat'),
          },
        }
      : null,
  account: fields => {
    const providerId = fields.text('providerid')
    if (providerId === 'credential') return null
    return {
      refs: { user: fields.text('userid') },
      fields: {
        providerId,
        issuer: fields.optionalText('issuer') ?? `provider:${providerId}`,
        accountId: fields.text('accountid'),
        scope: fields.optionalText('scope'),
        accessToken: fields.optionalText('accesstoken'),
        refreshToken: fields.optionalText('refreshtoken'),
        idToken: fields.optionalText('idtoken'),
        accessTokenExpiresAt: fields.optionalInstant('accesstokenexpiresat'),
        refreshTokenExpiresAt: fields.optionalInstant('refreshtokenexpiresat'),
      },
    }
  },
  session: fields =>
    fields.optionalText('impersonatedby') === null
      ? {
          refs: {
            user: fields.text('userid'),
            org: fields.optionalText('activeorganizationid'),
            team: fields.optionalText('activeteamid'),
          },
          fields: {
            token: fields.text('token'),
            expiresAt: fields.instant('expiresat'),
            ipAddress: fields.optionalText('ipaddress'),
            userAgent: fields.optionalText('useragent'),
          },
        }
      : null,
}

function rowOf(model: keyof typeof rowTypes, row: Row): ForeignRow | null {
  const fields = new Fields(row)
  const read = rowReaders[model](fields)
  if (read === null) return null
  const createdAt = fields.optionalInstant('createdat')
  const id = fields.text('id')
  const { problem } = fields
  return { type: rowTypes[model], id, refs: read.refs, fields: { ...read.fields, createdAt }, problem }
}
