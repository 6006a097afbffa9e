/** Turns a result into the JSON of its contract: exactly the fields of the shape. */
import type { JsonSchema } from './shape.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * Picks the fields of the schema. A field without a value is null, a Date is RFC 3339 UTC. Half a surrogate pair, as in
 * foreign names, becomes U+FFFD, because many parsers refuse it (RFC 8259, 8.2).
 */
export const toJson = (schema: JsonSchema, value: unknown): Json => converterOf(schema)(value)

/** The text of it. It is faster to build an object for `JSON.stringify` than to put the text together. */
export function jsonWriter(schema: JsonSchema): (value: unknown) => string {
  const convert = converterOf(schema)
  return value => JSON.stringify(convert(value))
}

type Converter = (value: unknown) => Json

/** Compiled once for each schema, because lists have a hundred thousand rows. */
const converters = new WeakMap<JsonSchema, Converter>()

function converterOf(schema: JsonSchema): Converter {
  const known = converters.get(schema)
  if (known !== undefined) return known
  const made = compile(bare(schema))
  converters.set(schema, made)
  return made
}

function compile({ properties, items, additionalProperties }: JsonSchema): Converter {
  if (properties !== undefined) {
    const pick = picker(properties)
    return value => (isMissing(value) ? null : pick(value as Fields))
  }
  if (items !== undefined) {
    const item = converterOf(items)
    return value => (isMissing(value) ? null : (value as readonly unknown[]).map(item))
  }
  if (typeof additionalProperties !== 'object') return anything
  const other = converterOf(additionalProperties)
  return value => (isMissing(value) ? null : entriesOf(value as Fields, other))
}

const isMissing = (value: unknown): value is null | undefined => value === null || value === undefined

type Fields = Readonly<Record<string, unknown>>

/** Sets the fields of an object as one literal does, because a loop over their names takes twice as long. */
function picker(properties: Readonly<Record<string, JsonSchema>>): (given: Fields) => Json {
  const fields = Object.keys(properties).map((name, index) => {
    const field = JSON.stringify(name)
    return `[${field}]: of[${index}](given[${field}])`
  })
  return new Function('of', `return given => ({ ${fields} })`)(Object.values(properties).map(converterOf))
}

/** Not by assignment: that would lose a field called __proto__. */
const entriesOf = (given: Fields, of: Converter): Json =>
  Object.fromEntries(Object.entries(given).map(([key, each]) => [key, of(each)]))

/** A value without a shape of its own. */
function anything(value: unknown): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'object') throw new TypeError(`JSON has no ${typeof value}`)
  if (value instanceof Date) return timeText(value)
  if (Array.isArray(value)) return value.map(anything)
  return entriesOf(value as Fields, anything)
}

const texts = new Map<number, string>()
const mostTexts = 1_000

/** As RFC 3339 in UTC. The times of busy keys, and those of a document or of the lines of a log, come again and again. */
export function timeText(time: Date): string {
  const at = time.getTime()
  const known = texts.get(at)
  if (known !== undefined) return known
  if (texts.size >= mostTexts) texts.clear()
  const text = time.toISOString()
  texts.set(at, text)
  return text
}

/** The schema of a value that is not null. */
export function bare(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(each => each.type !== 'null') ?? schema
}

/** Whether this is a reference: `{id, username}`, `{id, slug}` or `{id, name}`. */
export function isReference(schema: JsonSchema): boolean {
  const fields = Object.keys(bare(schema).properties ?? {})
  return fields.length === 2 && fields[0] === 'id' && /^(username|slug|name)$/.test(fields[1] ?? '')
}
