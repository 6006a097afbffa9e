import { expect, test } from 'bun:test'
import { LatchkeyError } from './errors.ts'
import { errorObject, failureOf } from './failure.ts'
import { jsonWriter, toJson } from './json.ts'
import { nullable, object, text } from './shape.ts'

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
