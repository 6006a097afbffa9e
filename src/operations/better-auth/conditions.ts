/** The conditions of Better Auth's adapters in SQL. Those joined by OR are one group beside those joined by AND. */
import { LatchkeyError } from '../../contract/errors.ts'
import {
  and,
  eq,
  gt,
  gte,
  holds,
  inArray,
  isNotNull,
  isNull,
  lowerAscii,
  lt,
  lte,
  ne,
  not,
  or,
  type SQL,
  type SQLWrapper,
  sql,
} from '../../db/query.ts'
import { additionalField, type Condition, type Field, type Model } from './fields.ts'

/** Undefined when all rows fit. @throws invalid (an unknown field or operator, or a value that fits none) */
export function conditionOf(model: Model, where: readonly Condition[]): SQL | undefined {
  const joinedBy = (connector: string) =>
    where
      .filter(each => (each.connector ?? 'AND') === connector)
      .map(each => one(fieldOf(model, each.field), each))
  return and(model.own, ...joinedBy('AND'), or(...joinedBy('OR')))
}

/** @throws invalid */
export function fieldOf({ fields, additional }: Model, name: string): Field {
  if (Object.hasOwn(fields, name)) return fields[name] as Field
  if (additional !== undefined) return additionalField(additional, name)
  throw new LatchkeyError(
    'invalid',
    `Latchkey has no column for the field ${name} of Better Auth`,
    'leave the field or its plugin out: docs/better-auth.md lists those that are kept',
  )
}

function one(field: Field, { operator = 'eq', value, mode }: Condition): SQL {
  const given = Array.isArray(value) ? value.map(field.bound) : field.bound(value)
  const isFolded = mode === 'insensitive' && [given].flat().every(each => typeof each === 'string')
  const folded = (each: unknown) => (isFolded ? lowerAscii(String(each)) : each)
  const isNumber = [value].flat().every(each => typeof each === 'number')
  const of = isFolded ? sql`lower(${field.of})` : isNumber ? (field.number ?? field.of) : field.of
  if (operator === 'in' || operator === 'not_in') {
    const found = inArray(of as SQL, [given].flat().map(folded))
    return operator === 'in' ? found : not(found)
  }
  const make = comparisons[operator]
  if (make === undefined) throw new LatchkeyError('invalid', `unknown operator ${operator}`, '')
  return make(of, folded(given))
}

type Comparison = (of: SQLWrapper, value: unknown) => SQL

/** A part of a text, as it is: no character in it stands for others. */
const part = (of: SQLWrapper, from: SQLWrapper, value: string): SQL =>
  sql`substr(${of}, ${from}, ${[...value].length}) = ${value}`

const comparisons: Readonly<Record<string, Comparison>> = {
  eq: (of, value) => (value === null ? isNull(of) : eq(of as SQL, value)),
  ne: (of, value) => (value === null ? isNotNull(of) : ne(of as SQL, value)),
  lt: (of, value) => lt(of as SQL, value),
  lte: (of, value) => lte(of as SQL, value),
  gt: (of, value) => gt(of as SQL, value),
  gte: (of, value) => gte(of as SQL, value),
  contains: (of, value) => holds(of, String(value)),
  starts_with: (of, value) => part(of, sql`1`, String(value)),
  ends_with: (of, value) => part(of, sql`length(${of}) + 1 - ${[...String(value)].length}`, String(value)),
}
