import { expect, test } from 'bun:test'
import { LatchkeyError } from './errors.ts'
import { errorObject, failureOf } from './failure.ts'
import { jsonWriter, toJson } from './json.ts'
import { anything, nullable, object, text, time } from './shape.ts'

/** As a message is that was cut in the middle of a character. */
const half = '\u{1f600}'.slice(0, 1)
const halved = /\\u[dD][89a-fA-F]|[\ud800-\udfff]/

test('no document holds half a character, which strict parsers refuse', () => {
  const shape = object('Thing', { name: text('A name'), other: nullable(text('Another')) })
  const value = { name: `a${half}b`, other: half }
  for (const document of [jsonWriter(shape.schema)(value), JSON.stringify(toJson(shape.schema, value))]) {
    expect(document).not.toMatch(halved)
    expect(JSON.parse(document)).toEqual({ name: 'a\ufffdb', other: '\ufffd' })
  }
  const told = errorObject(failureOf(new LatchkeyError('invalid', `no ${half}`, `try ${half}`)))
  expect(told).not.toMatch(halved)
  expect(JSON.parse(told).error).toMatchObject({ message: 'no \ufffd', hint: 'try \ufffd' })
})

test('a document has the fields of its shape, and of what has no shape all that JSON can hold', () => {
  const shape = object('Thing', {
    name: nullable(text('A name')),
    at: time('A time'),
    given: anything('Anything'),
  })
  const given = JSON.parse('{"__proto__":[1,{"a":null}],"constructor":"b","1":true}')
  const value = { given, at: new Date(0), secret: 'left out', name: undefined }
  const expected = { name: null, at: '1970-01-01T00:00:00.000Z', given }
  expect(jsonWriter(shape.schema)(value)).toBe(JSON.stringify(expected))
  expect(JSON.stringify(toJson(shape.schema, value))).toBe(JSON.stringify(expected))
  const odd = object('Odd', Object.fromEntries([['__proto__', anything('Anything')]]))
  expect(jsonWriter(odd.schema)(given)).toBe('{"__proto__":[1,{"a":null}]}')
  expect(jsonWriter({})([Number.NaN, Number.POSITIVE_INFINITY, 1.5, undefined])).toBe('[null,null,1.5,null]')
  expect(() => toJson({}, 1n)).toThrow('JSON has no bigint')
})
