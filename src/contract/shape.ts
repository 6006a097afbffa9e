/**
 * Describes what Latchkey returns. One description gives the TypeScript type, the list of fields, the JSON Schema and the
 * reference page, so they cannot differ.
 */

/** The subset of JSON Schema (draft 2020-12) that the shapes below produce. */
export interface JsonSchema {
  readonly $schema?: string
  readonly $id?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly title?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly (string | null)[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

declare const value: unique symbol

/** A shape whose values have the TypeScript type T. */
export interface Shape<T> {
  readonly schema: JsonSchema
  readonly [value]?: T
}

/** An object shape, with its fields in the order they are printed. */
export interface ObjectShape<T> extends Shape<T> {
  readonly name: string
  readonly fields: readonly (keyof T & string)[]
  readonly shapes: { readonly [K in keyof T]: Shape<T[K]> }
}

/** The TypeScript type that a shape describes. */
export type Of<S> = S extends Shape<infer T> ? T : never

const simple =
  <T>(schema: JsonSchema) =>
  (description: string): Shape<T> => ({ schema: { ...schema, description } })

export const text = simple<string>({ type: 'string' })
export const integer = simple<number>({ type: 'integer' })
export const number = simple<number>({ type: 'number' })
export const flag = simple<boolean>({ type: 'boolean' })
/** A time: a `Date` in the library, RFC 3339 UTC with milliseconds in JSON. */
export const time = simple<Date>({ type: 'string', format: 'date-time' })
/** Any JSON value (metadata, the before and after of an audit row). */
export const anything = simple<unknown>({})

export const choice = <const T extends string>(options: readonly T[], description: string): Shape<T> => ({
  schema: { type: 'string', enum: options, description },
})

export const list = <T>(item: Shape<T>, description: string): Shape<readonly T[]> => ({
  schema: { type: 'array', items: item.schema, description },
})

export const mapOf = <T>(item: Shape<T>, description: string): Shape<Readonly<Record<string, T>>> => ({
  schema: { type: 'object', additionalProperties: item.schema, description },
})

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  const { schema } = shape
  const { description, ...rest } = schema
  if (typeof schema.type === 'string' && !schema.properties && !schema.enum) {
    return { schema: { ...schema, type: [schema.type, 'null'] } }
  }
  return {
    schema: { anyOf: [rest, { type: 'null' }], ...(description === undefined ? {} : { description }) },
  }
}

export function object<F extends Record<string, Shape<unknown>>>(
  name: string,
  shapes: F,
): ObjectShape<{ readonly [K in keyof F]: Of<F[K]> }> {
  const fields = Object.keys(shapes)
  return {
    name,
    fields,
    shapes: shapes as never,
    schema: {
      title: name,
      type: 'object',
      properties: Object.fromEntries(fields.map(field => [field, shapes[field]?.schema ?? {}])),
      required: fields,
      additionalProperties: false,
    },
  }
}

/** Rows whose fields are known only at run time: those of an SQL query. */
export const openObject = (
  name: string,
  description: string,
): ObjectShape<Readonly<Record<string, unknown>>> => ({
  name,
  fields: [],
  shapes: {},
  schema: { type: 'object', additionalProperties: true, description },
})

/** An object with an external schema, printed as it is. */
export const foreign = <T>(name: string, $ref: string, description: string): ObjectShape<T> => ({
  name,
  fields: [],
  shapes: {} as never,
  schema: { $ref, description },
})

/** The fields of `base` followed by those of `more`, under a new name. */
export function extend<B, F extends Record<string, Shape<unknown>>>(
  name: string,
  base: ObjectShape<B>,
  more: F,
): ObjectShape<B & { readonly [K in keyof F]: Of<F[K]> }> {
  return object(name, { ...base.shapes, ...more } as Record<string, Shape<unknown>>) as never
}

/** The same shape with another description. */
export const as = <T>(shape: Shape<T>, description: string): Shape<T> => ({
  schema: { ...shape.schema, description },
})
