/** The fields of request bodies and queries. Only types are checked here; the operations check the values. */
import * as v from 'valibot'
import { LatchkeyError, redact } from '../contract/errors.ts'
import { readInstant } from '../text/instant.ts'
import { didYouMean, nearestField } from '../text/nearest.ts'

const text = v.string('must be text')
const number = v.number('must be a number')
const notATime = 'must be a time such as 2026-11-20T10:00:00Z'
const moment = v.pipe(
  text,
  v.transform(readInstant),
  v.number(notATime),
  v.transform(at => new Date(at)),
)

/** What a request needs, if known. The amounts are compared with what is left of the limits. */
const wanted = {
  model: v.optional(text),
  scope: v.optional(text),
  endUser: v.optional(text),
  tokens: v.optional(number),
  requests: v.optional(number),
  usd: v.optional(number),
}

export const verifyBody = v.strictObject({ secret: text, ...wanted })

export const reserveBody = v.strictObject({
  secret: v.optional(text),
  key: v.optional(text),
  ...wanted,
  timeoutMs: v.optional(number),
})

export const settleBody = v.strictObject({
  model: v.optional(text),
  requests: v.optional(number),
  usage: v.optional(v.unknown()),
  inputTokens: v.optional(number),
  cachedInputTokens: v.optional(number),
  cacheWriteTokens: v.optional(number),
  outputTokens: v.optional(number),
  reasoningTokens: v.optional(number),
  otherTokens: v.optional(number),
  costUsd: v.optional(number),
  at: v.optional(moment),
})

export const authorizeQuery = v.strictObject({
  scope: v.optional(text),
  model: v.optional(text),
  endUser: v.optional(text),
  count: v.optional(v.picklist(['0', '1'], 'must be 1 or 0')),
})

/**
 * Reads the query, by hand like the path. Fields that a proxy misspells or a client appends are refused.
 *
 * @throws invalid, naming the field and never its value
 */
export function readQuery<S extends Fields>(schema: S, url: string): v.InferOutput<S> {
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1])
  if (new Set(query.keys()).size < query.size) throw refused(schema, 'a field twice', 'query')
  return read(schema, Object.fromEntries(query), 'query')
}

type Fields = v.StrictObjectSchema<v.ObjectEntries, undefined>

/** A null field counts as missing. @throws invalid, naming the field but never its value */
export function readFields<S extends Fields>(schema: S, body: unknown): v.InferOutput<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refused(schema, 'to be an object', 'body')
  const given = body as Readonly<Record<string, unknown>>
  if (isPlain(schema, given)) return given as v.InferOutput<S>
  const withoutNull = Object.entries(given).filter(([, value]) => value !== null)
  return read(schema, Object.fromEntries(withoutNull), 'body')
}

/**
 * Whether every field is a text or a number where the schema takes any text or number, and none is missing. Nearly all bodies are
 * like that. valibot would return the same fields, but makes an object for each that it looks at.
 */
function isPlain(schema: Fields, given: Readonly<Record<string, unknown>>): boolean {
  const { types, required } = plainOf(schema)
  for (const name in given) if (types.get(name) !== typeof given[name]) return false
  return required.every(name => Object.hasOwn(given, name))
}

interface Plain {
  /** Of the fields that take any value of a type, as `typeof` names it. */
  readonly types: ReadonlyMap<string, string>
  readonly required: readonly string[]
}

const plains = new WeakMap<Fields, Plain>()

function plainOf(schema: Fields): Plain {
  const known = plains.get(schema)
  if (known !== undefined) return known
  const types = new Map<string, string>()
  const required: string[] = []
  for (const [name, entry] of Object.entries(schema.entries)) {
    const value = 'wrapped' in entry ? entry.wrapped : entry
    if (value === entry) required.push(name)
    if (value === text || value === number) types.set(name, value.type)
  }
  plains.set(schema, { types, required })
  return { types, required }
}

type Part = 'body' | 'query'

function read<S extends Fields>(
  schema: S,
  given: Readonly<Record<string, unknown>>,
  part: Part,
): v.InferOutput<S> {
  const result = v.safeParse(schema, given)
  if (result.success) return result.output
  const [issue] = result.issues
  const field = v.getDotPath(issue) ?? ''
  if (!Object.hasOwn(schema.entries, field)) {
    const meant = didYouMean(nearestField(field, Object.keys(schema.entries)))
    throw refused(schema, `an unknown field: ${redact(field).slice(0, 40)}${meant}`, part)
  }
  throw refused(
    schema,
    Object.hasOwn(given, field) ? `a bad value: ${field} ${issue.message}` : `no ${field}`,
    part,
  )
}

const refused = (schema: Fields, problem: string, part: Part): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `the ${part} has ${problem}`,
    `send ${part === 'body' ? 'an object' : 'a query'} with ${Object.keys(schema.entries).join(', ')}`,
  )
