/** Validates JSON against its schema, with a validator of the whole draft 2020-12. For tests only. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../contract/shape.ts'

/** The problems, one line each with its path; empty if there are none. Throws if the schema itself is invalid. */
export function schemaProblems(schema: JsonSchema, value: unknown): readonly string[] {
  const text = JSON.stringify(schema)
  const fits = compiled.get(text) ?? compile(schema)
  compiled.set(text, fits)
  if (fits(value)) return []
  return (fits.errors ?? []).map(problem => `${problem.instancePath || '/'} ${said(problem)}`)
}

/** Throws if the schema does not match the meta-schema, which takes 150 ms to compile. */
export const requireSchema = (schema: JsonSchema): ValidateFunction => {
  thorough ??= newAjv(true)
  return thorough.compile(schema)
}

let thorough: Ajv2020 | undefined

/** Schemas that refer to the meta-schema, or have none, take the slow way. */
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
    // Compiling it twice would be refused because of its `$id`.
    addUsedSchema: false,
    // Optimizing the code of a validator takes as long as compiling it, and most run once or twice.
    code: { optimize: false },
  }
  const made = new Ajv2020({ ...options, validateSchema })
  // RFC 3339 allows more than the contract, which is always UTC with milliseconds.
  made.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  return made
}

const ajv = newAjv(false)

/** By text, because every run of a command creates its schema again, and compiling one takes 5 ms. */
const compiled = new Map<string, ValidateFunction>()

function said({ message, params }: ErrorObject): string {
  const names = [params['additionalProperty'] ?? params['allowedValues'] ?? []].flat()
  return `${message}${names.length === 0 ? '' : ` (${names.join(', ')})`}`
}
