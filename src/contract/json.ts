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
  const fields = properties && Object.entries(properties).map(([name, of]) => ({ name, of: converterOf(of) }))
  const item = items && converterOf(items)
  const other = typeof additionalProperties === 'object' ? converterOf(additionalProperties) : undefined
  return value => {
    if (value === null || value === undefined) return null
    if (typeof value === 'string') return value.toWellFormed()
    if (typeof value === 'boolean') return value
    if (typeof value === 'number') return Number.isFinite(value) ? value : null
    if (typeof value !== 'object') throw new TypeError(`JSON has no ${typeof value}`)
    if (value instanceof Date) return value.toISOString()
    if (Array.isArray(value)) return value.map(item ?? anything)
    const given = value as Readonly<Record<string, unknown>>
    // Not by assignment: that would lose a field called __proto__.
    if (fields === undefined)
      return Object.fromEntries(Object.entries(given).map(([key, each]) => [key, (other ?? anything)(each)]))
    // Nor is one of these, in an object that inherits nothing.
    const picked: Record<string, Json> = Object.create(null)
    for (const { name, of } of fields) picked[name] = of(given[name])
    return picked
  }
}

const anything = compile({})

/** The schema of a value that is not null. */
export function bare(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(each => each.type !== 'null') ?? schema
}

/** Whether this is a reference: `{id, username}`, `{id, slug}` or `{id, name}`. */
export function isReference(schema: JsonSchema): boolean {
  const fields = Object.keys(bare(schema).properties ?? {})
  return fields.length === 2 && fields[0] === 'id' && /^(username|slug|name)$/.test(fields[1] ?? '')
}
