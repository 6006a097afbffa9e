/**
 * Keys, as Better Auth's api-key plugin has them. What it calls a key and what it counts stands beside the key, in a row that is
 * made when there is something to keep. A key that is nobody's is not seen, because the plugin needs an owner; nor is one that is
 * revoked.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Database } from '../../db/engine.ts'
import {
  and,
  asNumber,
  eq,
  gt,
  isNotNull,
  isNull,
  lowerAscii,
  not,
  oneOf,
  oneOfNames,
  or,
  sql,
} from '../../db/query.ts'
import { apiKeys, keys, secrets } from '../../db/schema/keys.ts'
import { differingColumns } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import { hasStatus } from '../keys/status-condition.ts'
import { keyViews } from '../keys/view.ts'
import * as rules from '../rules/input.ts'
import { find } from '../select.ts'
import {
  type Columns,
  type Condition,
  columnOf,
  columns,
  type Field,
  flag,
  json,
  type Model,
  permissions,
  type rowsOf,
  type StoredRow,
  thing,
  time,
} from './fields.ts'

/** It stores SHA-256 in base64url, and Latchkey the same in hex. */
const hash: Field = {
  of: secrets.hash,
  read: row => Buffer.from(String(row['hash']), 'hex').toString('base64url'),
  write: value => ({ hash: hexOf(value) }),
  bound: hexOf,
}

/** Its names are not unique; those of Latchkey are. */
const name: Field = {
  of: sql`CASE WHEN ${apiKeys.aliasOf} = ${keys.name} THEN ${apiKeys.alias} ELSE ${keys.name} END`,
  read: row => (row['aliasOf'] === row['name'] ? row['alias'] : row['name']),
  write: value => ({ alias: value }),
  bound: value => value,
}

/** A key does not work either while its user is disabled, or its project archived. */
const enabled: Field = {
  of: asNumber(isNull(keys.disabledAt)),
  read: row => Number(row['enabled']) === 1,
  write: (value, at) => ({ disabledAt: value === 1 ? null : at.getTime() }),
  bound: value => value,
}

const scopes: Field = columnOf(keys, 'scopes', {
  read: stored => ((stored as readonly string[]).length === 0 ? null : permissions.read?.(stored)),
  write: value => (value === null ? [] : permissions.write?.(value)),
})

export const apiKeyModel: Model = {
  table: keys,
  prefix: 'key',
  audited: {
    ...thing('key'),
    views: (db, rows, now) => {
      const ids = rows.map(({ id }) => id)
      return keyViews(db, now, { where: oneOf(keys.id, ids) })
    },
  },
  own: sql`${isNotNull(keys.userId)} AND ${isNull(keys.revokedAt)}`,
  spent: now =>
    sql`(${hasStatus('expired', now)} OR coalesce(${apiKeys.remaining} = 0 AND ${isNull(apiKeys.refillAmount)}, FALSE))`,
  joined: { select, insert, update },
  fields: {
    ...columns(keys, 'id'),
    ...columns(keys, 'createdAt updatedAt expiresAt', time),
    ...columns(apiKeys, 'prefix rateLimitTimeWindow rateLimitMax remaining refillInterval refillAmount'),
    ...columns(apiKeys, 'lastRequest lastRefillAt', time),
    configId: columnOf(apiKeys, 'configId', { read: stored => stored ?? 'default' }),
    requestCount: columnOf(apiKeys, 'requestCount', { read: stored => stored ?? 0 }),
    rateLimitEnabled: columnOf(apiKeys, 'rateLimitEnabled', { ...flag, read: stored => stored === true }),
    name,
    key: hash,
    enabled,
    start: columnOf(secrets, 'start', { read: stored => stored || null, write: value => value ?? '' }),
    referenceId: columnOf(keys, 'userId', { write: ownerOf }),
    metadata: columnOf(keys, 'metadata', json),
    permissions: scopes,
  },
}

/** With the current secret of each; asked for a secret, with that one, while it works. */
function select(db: Database, now: Date, where: readonly Condition[]): ReturnType<typeof rowsOf> {
  const isCurrent = isNull(secrets.endsAt)
  const works = isBySecret(where) ? or(isCurrent, gt(secrets.endsAt, now.getTime())) : isCurrent
  const shut = (['disabled', 'user_disabled', 'project_archived'] as const).map(status =>
    hasStatus(status, now),
  )
  const isShut = or(...shut)
  const all = {
    id: keys.id,
    name: keys.name,
    userId: keys.userId,
    scopes: keys.scopes,
    metadata: keys.metadata,
    expiresAt: keys.expiresAt,
    disabledAt: keys.disabledAt,
    createdAt: keys.createdAt,
    updatedAt: keys.updatedAt,
    enabled: asNumber(isShut ? not(isShut) : sql`TRUE`).as('enabled'),
    hash: secrets.hash,
    start: secrets.start,
    alias: apiKeys.alias,
    aliasOf: apiKeys.aliasOf,
    configId: apiKeys.configId,
    prefix: apiKeys.prefix,
    rateLimitEnabled: apiKeys.rateLimitEnabled,
    rateLimitTimeWindow: apiKeys.rateLimitTimeWindow,
    rateLimitMax: apiKeys.rateLimitMax,
    requestCount: apiKeys.requestCount,
    lastRequest: apiKeys.lastRequest,
    remaining: apiKeys.remaining,
    refillInterval: apiKeys.refillInterval,
    refillAmount: apiKeys.refillAmount,
    lastRefillAt: apiKeys.lastRefillAt,
  }
  return db
    .select(all)
    .from(keys)
    .leftJoin(apiKeys, eq(apiKeys.keyId, keys.id))
    .innerJoin(secrets, and(eq(secrets.keyId, keys.id), works))
    .$dynamic() as unknown as ReturnType<typeof rowsOf>
}

/** Whether a key is looked for by its secret. */
export const isBySecret = (where: readonly Condition[]): boolean => where.some(({ field }) => field === 'key')

/** @throws invalid, not_found (the owner) */
async function insert(context: OperationContext, db: Database, given: Columns): Promise<void> {
  const { key, beside } = parted(given)
  const { hash, start, ...columns } = key
  requireHashed(hash, start)
  const [id, at] = [String(given['id']), context.now().getTime()]
  const called = await freeName(db, beside['alias'], id, String(given['userId']))
  const values = {
    ...columns,
    id,
    name: called,
    scopes: columns['scopes'] ?? [],
    createdAt: at,
    updatedAt: at,
  }
  await db.insert(keys).values(values as typeof keys.$inferInsert)
  await db
    .insert(secrets)
    .values({ hash: String(hash), keyId: id, start: String(start ?? ''), createdAt: at, endsAt: null })
  await keepBeside(db, id, { ...beside, aliasOf: called })
}

/** @throws invalid */
async function update(
  context: OperationContext,
  db: Database,
  row: StoredRow,
  columns: Columns,
): Promise<void> {
  const { key, beside } = parted(columns)
  const isRenamed = Object.hasOwn(beside, 'alias') && beside['alias'] !== name.read(row)
  const called = isRenamed ? await freeName(db, beside['alias'], row.id, String(row['userId'])) : row['name']
  const wasShut = typeof row['disabledAt'] === 'number' && typeof key['disabledAt'] === 'number'
  const given: Columns = { ...key, name: called, ...(wasShut && { disabledAt: row['disabledAt'] }) }
  // The time of a change is Latchkey's: the plugin sets one whenever it verifies a key, which changes nothing.
  const { updatedAt: _, ...changes } = differingColumns(row, given)
  if (Object.keys(changes).length > 0)
    await db
      .update(keys)
      .set({ ...changes, updatedAt: context.now().getTime() })
      .where(eq(keys.id, row.id))
  await keepBeside(db, row.id, isRenamed ? { ...beside, aliasOf: called } : beside)
}

async function keepBeside(db: Database, keyId: string, given: Columns): Promise<void> {
  if (Object.keys(given).length === 0) return
  await db
    .insert(apiKeys)
    .values({ rateLimitEnabled: false, ...given, keyId })
    .onConflictDoUpdate({ target: apiKeys.keyId, set: given })
}

/** The columns of a key and of its secret, checked as those of other keys are, and those beside it. @throws invalid */
function parted(given: Columns): { readonly key: Columns; readonly beside: Columns } {
  const { alias, prefix, scopes, metadata } = given
  rules.parse(texts, { name: alias, prefix, permissions: scopes, metadata })
  const [beside, key] = [true, false].map(isBeside =>
    Object.fromEntries(
      Object.entries(given).filter(([column]) => Object.hasOwn(apiKeys, column) === isBeside),
    ),
  )
  return { key: key ?? {}, beside: beside ?? {} }
}

const texts = v.object({
  name: v.optional(v.nullable(rules.shortText)),
  permissions: v.optional(rules.listOf(rules.scopeName)),
  metadata: v.optional(rules.metadata),
  prefix: v.optional(v.nullable(rules.shortText)),
})

/**
 * A name for a key that the plugin calls `alias`: the same where it is free and fits, or with the name of its user.
 *
 * @throws not_found (the user)
 */
async function freeName(db: Database, alias: unknown, id: string, userId: string): Promise<string> {
  const { username } = await find(db, 'user', userId)
  const wanted = v.safeParse(rules.newKeyName, alias ?? usualName)
  const base = wanted.success ? wanted.output : `api-${String(alias)}`
  const tail = id.slice(-10)
  const names = [base, `${base.slice(0, 35)}-${username}`, `${base.slice(0, 80)}-${tail}`].map(each =>
    each.slice(0, 100),
  )
  const rows = await db
    .select({ id: keys.id, name: keys.name })
    .from(keys)
    .where(oneOfNames(keys.name, names))
  const taken = new Set(rows.filter(row => row.id !== id).map(row => lowerAscii(row.name)))
  return names.find(each => !taken.has(lowerAscii(each))) ?? id.replace('_', '-')
}

/** Of a key without a name. */
const usualName = 'api-key'

/** @throws invalid */
function hexOf(value: unknown): string {
  const bytes = Buffer.from(String(value), 'base64url')
  if (bytes.length === 32 && bytes.toString('base64url') === value) return bytes.toString('hex')
  throw plainKey()
}

/** A key could look like a hash. @throws invalid */
function requireHashed(hash: unknown, start: unknown): void {
  if (start && Buffer.from(String(hash), 'hex').toString('base64url').startsWith(String(start)))
    throw plainKey()
}

const plainKey = (): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    'Latchkey stores hashes of keys alone, as the api-key plugin makes them',
    'leave out the option disableKeyHashing',
  )

/** @throws invalid */
function ownerOf(value: unknown): unknown {
  if (!String(value).startsWith('org_')) return value
  throw new LatchkeyError(
    'invalid',
    'a key belongs to a user or a project in Latchkey, not to an organization',
    "leave out references: 'organization'; create the key in a project of the organization with: latchkey key create NAME --project PROJECT",
  )
}
