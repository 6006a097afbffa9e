/** Turns a result into the JSON of its contract: exactly the fields of the shape. */
import type { JsonSchema } from './shape.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * Picks the fields of the schema. A field without a value is null, a Date is RFC 3339 UTC. Half a surrogate pair, as in
 * foreign names, becomes U+FFFD, because many parsers refuse it (RFC 8259, 8.2).
 */
export function toJson(schema: JsonSchema, value: unknown): Json {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'string') return value.toWellFormed()
  const { properties, items, additionalProperties } = bare(schema)
  if (Array.isArray(value)) return value.map(each => toJson(items ?? {}, each))
  if (typeof value !== 'object') return JSON.parse(JSON.stringify(value))
  const given: Readonly<Record<string, unknown>> = { ...value }
  const described = (key: string): JsonSchema =>
    properties?.[key] ?? (typeof additionalProperties === 'object' ? additionalProperties : {})
  return Object.fromEntries(
    Object.keys(properties ?? given).map(key => [key, toJson(described(key), given[key])]),
  )
}

/**
 * Compiles a schema to a function that returns `JSON.stringify(toJson(schema, value))`, because lists have a hundred
 * thousand rows.
 */
export function jsonWriter(schema: JsonSchema): (value: unknown) => string {
  const { properties, items } = bare(schema)
  if (properties !== undefined) return objectWriter(properties)
  if (items !== undefined) return listWriter(jsonWriter(items))
  if (isTime(schema)) {
    return value => (value instanceof Date ? `"${value.toISOString()}"` : anyWriter(schema, value))
  }
  return value => {
    if (value === null || value === undefined) return 'null'
    if (typeof value === 'string')
      return isPlainText.test(value) ? `"${value}"` : JSON.stringify(value.toWellFormed())
    const isPlain = typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    return isPlain ? String(value) : anyWriter(schema, value)
  }
}

/** ASCII that JSON writes as it is: to look takes a third of the time of writing it. */
const isPlainText = /^[ !#-[\]-~]*$/

const anyWriter = (schema: JsonSchema, value: unknown): string => JSON.stringify(toJson(schema, value))

const isTime = (schema: JsonSchema): boolean => bare(schema).format === 'date-time'

function objectWriter(properties: Readonly<Record<string, JsonSchema>>): (value: unknown) => string {
  const fields = Object.entries(properties).map(([name, schema], index) => ({
    name,
    head: `${index === 0 ? '' : ','}${JSON.stringify(name)}:`,
    write: jsonWriter(schema),
  }))
  return value => {
    if (value === null || value === undefined) return 'null'
    const given = value as Readonly<Record<string, unknown>>
    let text = '{'
    for (const { name, head, write } of fields) text = `${text}${head}${write(given[name])}`
    return `${text}}`
  }
}

const listWriter =
  (write: (value: unknown) => string) =>
  (value: unknown): string =>
    Array.isArray(value) ? `[${value.map(write).join(',')}]` : 'null'

/** The schema of a value that is not null. */
export function bare(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(each => each.type !== 'null') ?? schema
}

/** Whether this is a reference: `{id, username}`, `{id, slug}` or `{id, name}`. */
export function isReference(schema: JsonSchema): boolean {
  const fields = Object.keys(bare(schema).properties ?? {})
  return fields.length === 2 && fields[0] === 'id' && /^(username|slug|name)$/.test(fields[1] ?? '')
}
