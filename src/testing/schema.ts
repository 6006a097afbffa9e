/** Compares JSON with its schema, for the part of JSON Schema that the contract is written in. For tests only. */
import type { JsonSchema } from '../contract/shape.ts'

/** What does not fit, one line each with the path to it; empty when all does. */
export function schemaProblems(schema: JsonSchema, value: unknown, path = '$'): readonly string[] {
  const { type, format, enum: choices, anyOf, items } = schema
  if (anyOf) {
    const attempts = anyOf.map(each => schemaProblems(each, value, path))
    if (attempts.some(problems => problems.length === 0)) return []
    // The attempt that went wrong latest is the one that was meant.
    return attempts.reduce((best, problems) => (depth(problems) > depth(best) ? problems : best))
  }
  const types = type === undefined ? [] : [type].flat()
  if (types.length > 0 && !types.some(each => isOfType(each, value))) {
    return [`${path} is ${JSON.stringify(value)}, not ${types.join(' or ')}`]
  }
  if (value === null) return []
  if (choices && !choices.includes(String(value)))
    return [`${path} is ${JSON.stringify(value)}, no choice of ${choices}`]
  if (format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value))) {
    return [`${path} is ${JSON.stringify(value)}, no time in UTC with milliseconds`]
  }
  if (Array.isArray(value)) {
    return items ? value.flatMap((each, index) => schemaProblems(items, each, `${path}[${index}]`)) : []
  }
  return typeof value === 'object' ? objectProblems(schema, { ...value }, path) : []
}

function objectProblems(schema: JsonSchema, value: Record<string, unknown>, path: string): readonly string[] {
  const { properties = {}, required = [], additionalProperties = true } = schema
  return [
    ...required.filter(name => !Object.hasOwn(value, name)).map(name => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, each]) => {
      const inner = properties[name] ?? additionalProperties
      if (inner === false) return [`${path}.${name} does not belong here`]
      return inner === true ? [] : schemaProblems(inner, each, `${path}.${name}`)
    }),
  ]
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

const depth = (problems: readonly string[]): number =>
  Math.max(0, ...problems.map(problem => problem.split(' ')[0]?.length ?? 0))
