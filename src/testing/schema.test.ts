import { expect, test } from 'bun:test'
import { choice, integer, list, mapOf, nullable, object, text, time } from '../contract/shape.ts'
import { schemaProblems } from './schema.ts'

const { schema } = object('Thing', {
  id: text('Id'),
  size: integer('Size'),
  state: choice(['on', 'off'], 'State'),
  at: nullable(time('When')),
  owner: nullable(object('Owner', { id: text('Id') })),
  tags: list(text('Tag'), 'Tags'),
  rows: mapOf(integer('Rows'), 'Rows by table'),
})
const good = { id: 'x', size: 1, state: 'on', at: null, owner: null, tags: [], rows: {} }

test.each<[object, string]>([
  [{ id: undefined }, "/ must have required property 'id'"],
  [{ size: 1.5 }, '/size must be integer'],
  [{ state: 'broken' }, '/state must be equal to one of the allowed values (on, off)'],
  [{ at: '2026-11-20T12:00:00Z' }, '/at must match format "date-time"'],
  [{ owner: { id: 7 } }, '/owner/id must be string'],
  [{ owner: { id: 'y', secret: 's' } }, '/owner must NOT have additional properties (secret)'],
  [{ owner: {} }, "/owner must have required property 'id'"],
  [{ tags: ['a', null] }, '/tags/1 must be string'],
  [{ rows: { keys: '3' } }, '/rows/keys must be integer'],
  [{ tags: {} }, '/tags must be array'],
])('%j', (change, problem) => {
  expect(schemaProblems(schema, { ...good, ...change })).toContain(problem)
})

test('what fits has no problem', () => {
  const full = { at: '2026-11-20T12:00:00.000Z', owner: { id: 'y' }, tags: ['a'], rows: { keys: 3 } }
  expect(schemaProblems(schema, good)).toEqual([])
  expect(schemaProblems(schema, { ...good, ...full })).toEqual([])
})

test('a document of the wrong form', () => {
  const rows = { type: 'array', items: schema }
  expect(schemaProblems(schema, [good])).toEqual(['/ must be object'])
  expect(schemaProblems(rows, good)).toEqual(['/ must be array'])
  expect(schemaProblems({ anyOf: [schema, rows] }, [good])).toEqual([])
})

test('a schema that is none is no measure', () => {
  expect(() => schemaProblems({ type: 'text' }, 'x')).toThrow('schema is invalid')
  expect(() => schemaProblems({ propertys: {} } as never, {})).toThrow('propertys')
})
