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

test.each<[object, readonly string[]]>([
  [{}, []],
  [{ at: '2026-11-20T12:00:00.000Z', owner: { id: 'y' }, tags: ['a'], rows: { keys: 3 } }, []],
  [{ id: undefined }, ['$.id is undefined, not string']],
  [{ size: 1.5 }, ['$.size is 1.5, not integer']],
  [{ state: 'broken' }, ['$.state is "broken", no choice of on,off']],
  [{ at: '2026-11-20T12:00:00Z' }, ['$.at is "2026-11-20T12:00:00Z", no time in UTC with milliseconds']],
  [{ owner: { id: 7 } }, ['$.owner.id is 7, not string']],
  [{ owner: { id: 'y', secret: 's' } }, ['$.owner.secret does not belong here']],
  [{ owner: {} }, ['$.owner.id is missing']],
  [{ tags: ['a', null] }, ['$.tags[1] is null, not string']],
  [{ rows: { keys: '3' } }, ['$.rows.keys is "3", not integer']],
  [{ tags: {} }, ['$.tags is {}, not array']],
])('%j', (change, problems) => {
  expect(schemaProblems(schema, { ...good, ...change })).toEqual(problems)
})

test('a document of the wrong form', () => {
  expect(schemaProblems(schema, [good])).toHaveLength(1)
  expect(schemaProblems({ type: 'array', items: schema }, good)).toHaveLength(1)
  expect(schemaProblems({ anyOf: [schema, { type: 'array', items: schema }] }, [good])).toEqual([])
})
