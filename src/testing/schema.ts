/** Compares JSON with its schema, by a validator that knows the whole of draft 2020-12. For tests only. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../contract/shape.ts'

/** What does not fit, one line each with the path to it; empty when all does. Throws when no validator can be made of the schema. */
export function schemaProblems(schema: JsonSchema, value: unknown): readonly string[] {
  const text = JSON.stringify(schema)
  const fits = compiled.get(text) ?? compile(schema)
  compiled.set(text, fits)
  if (fits(value)) return []
  return (fits.errors ?? []).map(problem => `${problem.instancePath || '/'} ${said(problem)}`)
}

/** Throws when the schema is none by the schema of schemas, which takes 150 ms to compile. */
export const requireSchema = (schema: JsonSchema): ValidateFunction => {
  thorough ??= newAjv(true)
  return thorough.compile(schema)
}

let thorough: Ajv2020 | undefined

/** What refers to the schema of schemas, or is none, takes the longer way. */
function compile(schema: JsonSchema): ValidateFunction {
  try {
    return ajv.compile(schema)
  } catch {
    return requireSchema(schema)
  }
}

function newAjv(validateSchema: boolean): Ajv2020 {
  const options = {
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    // One that is compiled twice would be refused for its `$id`.
    addUsedSchema: false,
    // Shortening the code of a validator takes as long as making it, and most run once or twice.
    code: { optimize: false },
  }
  const made = new Ajv2020({ ...options, validateSchema })
  // RFC 3339 allows more than the contract: it is UTC with milliseconds, always.
  made.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  return made
}

const ajv = newAjv(false)

/** By the text of the schema: every run of a command makes its own, and compiling it takes 5 ms. */
const compiled = new Map<string, ValidateFunction>()

function said({ message, params }: ErrorObject): string {
  const names = [params['additionalProperty'] ?? params['allowedValues'] ?? []].flat()
  return `${message}${names.length === 0 ? '' : ` (${names.join(', ')})`}`
}
