/**
 * From one row of a file to a key that may be stored: every rule that needs no database. A row may hold a secret, which
 * is hashed here and goes no further; no problem repeats what a row holds.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Limit } from '../../contract/views.ts'
import { limits } from '../limits/input.ts'
import { looksLikeId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { readInstant } from '../rules/instant.ts'
import { hashSecret, isMalformed, startOf } from '../rules/secrets.ts'

/** A key of a file. Times are UTC milliseconds. */
export interface IncomingKey {
  readonly line: number
  readonly id: string | null
  readonly name: string
  readonly hash: string
  readonly start: string
  readonly previousSecrets: readonly {
    readonly hash: string
    readonly start: string
    readonly createdAt: number
    readonly endsAt: number
  }[]
  /** Username, or another selector of a user. */
  readonly user: string | null
  readonly project: string | null
  readonly model: string | null
  readonly allowedModels: readonly string[] | null
  readonly scopes: readonly string[]
  readonly limits: readonly Limit[]
  readonly createdAt: number | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly revokedAt: number | null
  readonly revokedReason: string | null
  readonly lastUsedAt: number | null
  readonly metadata: unknown
  readonly totals: {
    readonly requests: number
    readonly inputTokens: number
    readonly outputTokens: number
    readonly tokens: number
    readonly costUsd: number
  } | null
}

/** Fields that an export writes and an import works out anew. */
const derived = ['status', 'updatedAt']

/** Reads rows of one file, and remembers the fields that have no home here. */
export class RowReader {
  readonly #ignored = new Set<string>()

  /** Sorted, each once. */
  get ignoredFields(): readonly string[] {
    return [...this.#ignored].toSorted()
  }

  /** The key, or what is wrong with the row, as a sentence goes on. */
  read(line: number, given: Readonly<Record<string, unknown>>): IncomingKey | string {
    const row = nested(given)
    for (const field of Object.keys(row)) {
      if (!(field in rowSchema.entries) && !derived.includes(field)) this.#ignored.add(field)
    }
    try {
      return keyOf(line, rules.parse(rowSchema, row))
    } catch (error) {
      if (error instanceof LatchkeyError) return error.message
      throw error
    }
  }
}

/** Empty is absent, and `totals.tokens` is inside of `totals`, as CSV writes both. */
function nested(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  const totals: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(given)) {
    if (value === null || value === '') continue
    if (field.startsWith('totals.')) totals[field.slice('totals.'.length)] = value
    else row[field] = value
  }
  return Object.keys(totals).length > 0 ? { totals, ...row } : row
}

const notATime = 'is not a time such as 2027-01-31T00:00:00Z'
const time = v.pipe(v.string(notATime), v.transform(readInstant), v.number(notATime))

/** JSON where it is text that looks like it; text that is not stays what it is. */
const unpacked = v.transform((value: unknown): unknown => {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
})

const number = v.transform((value: unknown): unknown =>
  typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value,
)

/** A list, or its words with spaces or commas between. */
const words = v.transform((value: unknown): unknown =>
  typeof value === 'string' ? value.split(/[\s,;]+/).filter(word => word !== '') : value,
)

const list = <S extends v.GenericSchema>(item: S) =>
  v.pipe(v.unknown(), unpacked, words, v.array(item, 'must be a list'))

/** A name, or `{id, username}` as JSON has it. */
const named = (field: 'username' | 'slug') =>
  v.pipe(
    v.unknown(),
    v.transform(value => (typeof value === 'object' && value !== null ? Object(value)[field] : value)),
    v.string('must be a name'),
  )

const sha256 = v.pipe(
  v.string('must be text'),
  v.toLowerCase(),
  v.regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in hex'),
)

/** Of a secret of ours, with the longest prefix: anything longer could be a whole one. */
const longestStart = 19
const start = v.pipe(
  v.string('must be text'),
  v.regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces'),
  v.maxLength(longestStart, `is longer than ${longestStart} characters, as if it were a whole secret`),
)

const count = v.pipe(v.unknown(), number, rules.count)

const rowSchema = v.object({
  id: v.optional(
    v.pipe(
      v.string('must be text'),
      v.check(id => id.length === 30 && looksLikeId(id, 'key'), 'is not the id of a key'),
    ),
  ),
  name: v.optional(rules.keyName),
  hash: v.optional(sha256),
  secret: v.optional(v.string('must be text')),
  start: v.optional(start, ''),
  previousSecrets: v.optional(
    v.pipe(
      v.unknown(),
      unpacked,
      v.array(v.object({ hash: sha256, start, createdAt: time, endsAt: time }), 'must be a list'),
    ),
    [],
  ),
  user: v.optional(named('username')),
  project: v.optional(named('slug')),
  model: v.optional(rules.modelName),
  allowedModels: v.optional(list(rules.modelName)),
  scopes: v.optional(list(rules.scopeName), []),
  limits: v.optional(v.pipe(v.unknown(), unpacked, limits), []),
  createdAt: v.optional(time),
  expiresAt: v.optional(time),
  disabledAt: v.optional(time),
  revokedAt: v.optional(time),
  revokedReason: v.optional(rules.reason),
  lastUsedAt: v.optional(time),
  metadata: v.optional(v.pipe(v.unknown(), unpacked, rules.metadata)),
  totals: v.optional(
    v.object({
      requests: count,
      inputTokens: count,
      outputTokens: count,
      tokens: count,
      costUsd: v.pipe(v.unknown(), number, rules.dollars),
    }),
  ),
})

/** @throws invalid */
function keyOf(line: number, row: v.InferOutput<typeof rowSchema>): IncomingKey {
  const { name, secret, totals } = row
  if (name === undefined) throw wrong('has no name')
  if (secret !== undefined) requireUsable(secret, row)
  const hash = secret === undefined ? row.hash : hashSecret(secret)
  if (hash === undefined) throw wrong('has neither a hash nor a secret')
  if (row.hash !== undefined && row.hash !== hash) throw wrong('has a hash that is not the one of its secret')
  const starts = [row, ...row.previousSecrets]
  if (starts.some(each => each.start !== '' && hashSecret(each.start) === each.hash)) {
    throw wrong('has a whole secret for its start, and secrets are never stored')
  }
  const all = [hash, ...row.previousSecrets.map(each => each.hash)]
  if (new Set(all).size < all.length) throw wrong('names the same secret twice')
  if (row.revokedReason !== undefined && row.revokedAt === undefined) {
    throw wrong('has a revokedReason without a revokedAt')
  }
  if (totals && totals.tokens < totals.inputTokens + totals.outputTokens) {
    throw wrong('has fewer tokens in all than input and output tokens')
  }
  return {
    line,
    id: row.id ?? null,
    name,
    hash,
    start: secret === undefined ? row.start : startOf(secret),
    previousSecrets: row.previousSecrets,
    user: row.user ?? null,
    project: row.project ?? null,
    model: row.model ?? null,
    allowedModels: row.allowedModels ?? null,
    scopes: row.scopes,
    limits: row.limits,
    createdAt: row.createdAt ?? null,
    expiresAt: row.expiresAt ?? null,
    disabledAt: row.disabledAt ?? null,
    revokedAt: row.revokedAt ?? null,
    revokedReason: row.revokedReason ?? null,
    lastUsedAt: row.lastUsedAt ?? null,
    metadata: row.metadata ?? null,
    totals: totals ?? null,
  }
}

/** Shorter ones are in words by chance. */
const shortestTold = 8

/** @throws invalid */
function requireUsable(secret: string, row: v.InferOutput<typeof rowSchema>): void {
  if (isMalformed(secret)) {
    throw wrong(
      secret.startsWith('lk_')
        ? 'has a secret that begins with lk_ but whose checksum is wrong: it could never be verified'
        : 'has a secret that is longer than 512 characters or not printable ASCII without spaces: it could never be verified',
    )
  }
  const { secret: _, ...others } = row
  if (secret.length >= shortestTold && JSON.stringify(others).includes(JSON.stringify(secret).slice(1, -1))) {
    throw wrong('repeats its secret in another field, and secrets are never stored')
  }
}

const wrong = (problem: string): LatchkeyError =>
  new LatchkeyError('invalid', problem, 'correct the row and import the file again')
