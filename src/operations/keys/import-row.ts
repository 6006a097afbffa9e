/**
 * Turns one row of a file into a key that can be stored, with all checks that need no database. A secret in a row is
 * hashed here and goes no further. Problems never quote values from a row.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { readInstant } from '../../text/instant.ts'
import { limits } from '../limits/input.ts'
import { isWholeId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { hashSecret, isMalformed, startOf } from '../rules/secrets.ts'

/** A key from a file. Times are UTC milliseconds; missing values are null. */
export interface IncomingKey extends Omit<Row, 'secret'> {
  readonly line: number
  readonly name: string
  readonly hash: string
}

type Row = v.InferOutput<typeof rowSchema>

/** Fields that an export writes and an import derives. */
const derived = ['status', 'updatedAt']

/** Reads rows of one file, and collects the names of unknown fields. */
export class RowReader {
  readonly #ignored = new Set<string>()

  /** Unknown fields, sorted, each once. */
  get ignoredFields(): readonly string[] {
    return [...this.#ignored].toSorted()
  }

  /** The key, or what is wrong with the row, to continue a sentence. */
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

/** As CSV needs it: empty values are absent, and `totals.tokens` goes into `totals`. */
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

/** Parses text that looks like JSON; other text stays as it is. */
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

/** A list, or text with words separated by spaces or commas. */
const words = v.transform((value: unknown): unknown =>
  typeof value === 'string' ? value.split(/[\s,;]+/).filter(word => word !== '') : value,
)

const list = <S extends v.GenericSchema>(item: S) =>
  v.pipe(v.unknown(), unpacked, words, v.array(item, 'must be a list'))

/** A name, or an object such as `{id, username}`. */
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

/** The length for our longest prefix. Anything longer could be a whole secret. */
const longestStart = 19
const start = v.pipe(
  v.string('must be text'),
  v.regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces'),
  v.maxLength(longestStart, `is longer than ${longestStart} characters, so it may be a whole secret`),
)

const count = v.pipe(v.unknown(), number, rules.count)

const rowSchema = v.object({
  id: v.nullish(
    v.pipe(
      v.string('must be text'),
      v.check(id => isWholeId(id, 'key'), 'is not the id of a key'),
    ),
    null,
  ),
  name: v.nullish(rules.keyName, null),
  hash: v.nullish(sha256, null),
  secret: v.nullish(v.string('must be text'), null),
  start: v.optional(start, ''),
  previousSecrets: v.optional(
    v.pipe(
      v.unknown(),
      unpacked,
      v.array(v.object({ hash: sha256, start, createdAt: time, endsAt: time }), 'must be a list'),
    ),
    [],
  ),
  /** Username, or another selector of a user. */
  user: v.nullish(named('username'), null),
  project: v.nullish(named('slug'), null),
  model: v.nullish(rules.modelName, null),
  allowedModels: v.nullish(list(rules.modelName), null),
  scopes: v.optional(list(rules.scopeName), []),
  limits: v.optional(v.pipe(v.unknown(), unpacked, limits), []),
  createdAt: v.nullish(time, null),
  expiresAt: v.nullish(time, null),
  disabledAt: v.nullish(time, null),
  revokedAt: v.nullish(time, null),
  revokedReason: v.nullish(rules.reason, null),
  lastUsedAt: v.nullish(time, null),
  metadata: v.nullish(v.pipe(v.unknown(), unpacked, rules.metadata), null),
  totals: v.nullish(
    v.object({
      requests: count,
      inputTokens: count,
      outputTokens: count,
      tokens: count,
      costUsd: v.pipe(v.unknown(), number, rules.dollars),
    }),
    null,
  ),
})

/** @throws invalid */
function keyOf(line: number, { secret, ...row }: Row): IncomingKey {
  const { name, totals, previousSecrets } = row
  if (name === null) throw wrong('has no name')
  if (secret !== null) requireUsable(secret, row)
  const hash = secret === null ? row.hash : hashSecret(secret)
  if (hash === null) throw wrong('has neither a hash nor a secret')
  if (row.hash !== null && row.hash !== hash) throw wrong('has a hash that does not match its secret')
  if ([row, ...previousSecrets].some(each => each.start !== '' && hashSecret(each.start) === each.hash)) {
    throw wrong('has a whole secret as its start, but secrets are never stored')
  }
  const all = [hash, ...previousSecrets.map(each => each.hash)]
  if (new Set(all).size < all.length) throw wrong('names the same secret twice')
  if (row.revokedReason !== null && row.revokedAt === null) {
    throw wrong('has a revokedReason without a revokedAt')
  }
  if (totals && totals.tokens < totals.inputTokens + totals.outputTokens) {
    throw wrong('has fewer tokens than input and output tokens together')
  }
  return { ...row, line, name, hash, start: secret === null ? row.start : startOf(secret) }
}

/** Shorter secrets occur in ordinary words by chance. */
const shortestTold = 8

/** @throws invalid */
function requireUsable(secret: string, others: object): void {
  if (isMalformed(secret)) {
    throw wrong(
      secret.startsWith('lk_')
        ? 'has a secret that begins with lk_ but whose checksum is wrong: it could never be verified'
        : 'has a secret that is longer than 512 characters or not printable ASCII without spaces: it could never be verified',
    )
  }
  if (secret.length >= shortestTold && JSON.stringify(others).includes(JSON.stringify(secret).slice(1, -1))) {
    throw wrong('repeats its secret in another field, but secrets are never stored')
  }
}

const wrong = (problem: string): LatchkeyError =>
  new LatchkeyError('invalid', problem, 'correct the row and import the file again')
