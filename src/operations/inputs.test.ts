/** What every input of an operation has in common, whichever it is. */
import { expect, test } from 'bun:test'
import { join, relative } from 'node:path'
import * as v from 'valibot'
import { LatchkeyError } from '../contract/errors.ts'
import { runInput } from './file/backup/input.ts'
import { newKey } from './keys/input.ts'
import { newSession, newUser, projectChanges } from './people/input.ts'
import { parse } from './rules/input.ts'

const root = join(import.meta.dir, '../..')

async function schemasOf(file: string): Promise<readonly (readonly [string, v.GenericSchema])[]> {
  const module = (await import(file)) as Readonly<Record<string, unknown>>
  return Object.entries(module).flatMap(([name, found]) =>
    isSchema(found) ? [[`${relative(root, file)}: ${name}`, asInput(found)] as const] : [],
  )
}

const isSchema = (found: unknown): found is v.GenericSchema =>
  typeof found === 'object' && found !== null && Reflect.get(found, 'kind') === 'schema'

/** A rule for a field as an input with that field. */
const asInput = (schema: v.GenericSchema): v.GenericSchema =>
  fieldsOf(schema).length > 0 ? schema : v.object({ field: schema })

const fieldsOf = (schema: v.GenericSchema): readonly string[] =>
  Object.keys((Reflect.get(schema, 'entries') as object | undefined) ?? {})

const files = [...new Bun.Glob('**/input.ts').scanSync({ cwd: import.meta.dir, absolute: true })]
const schemas = (await Promise.all(files.map(schemasOf))).flat()

/** What fits no field, or only some. */
const bad: readonly unknown[] = [
  null,
  undefined,
  'a b',
  '',
  ' ',
  5,
  -1,
  0,
  1.5,
  Number.NaN,
  1e300,
  true,
  [],
  ['a b'],
  [5],
  [null],
  {},
  { metric: 'tokens', amount: 'x' },
  [{ metric: 'tokens', amount: 1, windowMs: -7 }],
  [{ metric: 'tokens', windowMs: 'x' }],
  new Date(Number.NaN),
  Symbol('s'),
  () => 1,
]

const messageOf = (schema: v.GenericSchema, value: unknown): string | undefined => {
  try {
    parse(schema, value)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(LatchkeyError)
    return (error as LatchkeyError).message
  }
}

test.each([
  [newSession, { user: 'alice', forMs: 1 }, 'forMs must be at least 1000'],
  [newSession, { user: 'alice', forMs: -1 }, 'forMs must not be negative'],
  [newSession, {}, 'user is missing'],
  [newKey, { name: 'ci', user: 5 }, 'user must be text'],
  [
    newKey,
    { name: 'ci', limits: [{ metric: 'tokens', amount: -1 }] },
    'limits.0.amount must not be negative',
  ],
  [newKey, null, 'the input must be an object'],
  [newUser, { username: 'bob', service: 1 }, 'service must be true or false'],
  [projectChanges, { removeMembers: 'bob' }, 'remove members must be a list'],
  [runInput, { waitMs: -1 }, 'wait must be at least 0'],
] as const)('what is refused is named: %#', (schema, input, message) => {
  expect(messageOf(schema, input)).toBe(message)
})

test('there are inputs to try', () => {
  expect(schemas.length).toBeGreaterThan(70)
})

test.each(schemas)('what %s refuses is said in our words', (_, schema) => {
  const inputs = bad.flatMap(value => [value, ...fieldsOf(schema).map(field => ({ [field]: value }))])
  const messages = inputs.flatMap(input => messageOf(schema, input) ?? [])
  expect(messages.length).toBeGreaterThan(0)
  const foreign = /Invalid|Expected|received|undefined|NaN|is not valid/
  expect(messages.filter(message => foreign.test(message))).toEqual([])
  expect(messages.filter(message => !/^\S.* (is|must|may|parallel) /.test(message))).toEqual([])
})
