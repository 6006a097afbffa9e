/** Compares JSON with its schema, by a validator that knows the whole of draft 2020-12. For tests only. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../contract/shape.ts'

/** What does not fit, one line each with the path to it; empty when all does. Throws when the schema is none. */
export function schemaProblems(schema: JsonSchema, value: unknown): readonly string[] {
  const text = JSON.stringify(schema)
  const fits = compiled.get(text) ?? ajv.compile(schema)
  compiled.set(text, fits)
  if (fits(value)) return []
  return (fits.errors ?? []).map(problem => `${problem.instancePath || '/'} ${said(problem)}`)
}

// One that is compiled twice would be refused for its `$id`.
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, addUsedSchema: false })
// RFC 3339 allows more than the contract: it is UTC with milliseconds, always.
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

/** By the text of the schema: every run of a command makes its own, and compiling it takes 5 ms. */
const compiled = new Map<string, ValidateFunction>()

function said({ message, params }: ErrorObject): string {
  const names = [params['additionalProperty'] ?? params['allowedValues'] ?? []].flat()
  return `${message}${names.length === 0 ? '' : ` (${names.join(', ')})`}`
}
