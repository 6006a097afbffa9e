/** Turns a result into the JSON of its contract: only fields on the shape, all of them, and nothing else. */
import type { JsonSchema } from '../contract/shape.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Picks what the schema describes; a field without a value is null, a Date is RFC 3339 UTC. */
export function toJson(schema: JsonSchema, value: unknown): Json {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
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

/** The schema of a value that is not null. */
export function bare(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(each => each.type !== 'null') ?? schema
}

/** Whether this is `{id, username}`, `{id, slug}` or `{id, name}`: something named rather than shown. */
export function isReference(schema: JsonSchema): boolean {
  const fields = Object.keys(bare(schema).properties ?? {})
  return fields.length === 2 && fields[0] === 'id' && /^(username|slug|name)$/.test(fields[1] ?? '')
}
