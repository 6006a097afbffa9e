/** The fields of request bodies. Only types are checked here; the operations check the values. */
import * as v from 'valibot'
import { LatchkeyError } from '../contract/errors.ts'
import { didYouMean, nearestField } from '../text/nearest.ts'

const text = v.string('must be text')
const number = v.number('must be a number')
const notATime = 'must be a time such as 2026-11-20T10:00:00Z'
const moment = v.pipe(
  text,
  v.isoTimestamp(notATime),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    try {
      // Refuses 30 February, which Date turns into 2 March.
      return new Date(Temporal.Instant.from(value).epochMilliseconds)
    } catch {
      addIssue({ message: notATime })
      return NEVER
    }
  }),
)

/** What a request needs, if known. The amounts are compared with what is left of the limits. */
const wanted = {
  model: v.optional(text),
  scope: v.optional(text),
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
  inputTokens: v.optional(number),
  outputTokens: v.optional(number),
  costUsd: v.optional(number),
  at: v.optional(moment),
})

type Fields = v.StrictObjectSchema<v.ObjectEntries, undefined>

/** A null field counts as missing. @throws invalid, naming the field but never its value */
export function readFields<S extends Fields>(schema: S, body: unknown): v.InferOutput<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refused(schema, 'to be an object')
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const result = v.safeParse(schema, given)
  if (result.success) return result.output
  const [issue] = result.issues
  const field = v.getDotPath(issue) ?? ''
  if (!Object.hasOwn(schema.entries, field)) {
    const meant = didYouMean(nearestField(field, Object.keys(schema.entries)))
    throw refused(schema, `an unknown field: ${field.slice(0, 40)}${meant}`)
  }
  throw refused(
    schema,
    Object.hasOwn(given, field) ? `a bad value: ${field} ${issue.message}` : `no ${field}`,
  )
}

const refused = (schema: Fields, problem: string): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `the body has ${problem}`,
    `send an object with ${Object.keys(schema.entries).join(', ')}`,
  )
