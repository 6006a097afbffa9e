/** The short way through a body says what valibot would have said. */
import { expect, test } from 'bun:test'
import * as v from 'valibot'
import { LatchkeyError } from '../contract/errors.ts'
import { readFields, reserveBody, settleBody, verifyBody } from './input.ts'

const values = ['x', '', '2026-11-20T10:00:00Z', 5, 0, -1.5, true, null, [], {}, [null], { secret: 'x' }]

/** What valibot says of the fields that are not null. */
function longWay(schema: typeof verifyBody | typeof reserveBody | typeof settleBody, body: object): unknown {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const { success, output } = v.safeParse(schema, given)
  return success ? output : 'refused'
}

test.each([
  ['verify', verifyBody],
  ['reserve', reserveBody],
  ['settle', settleBody],
])('a body of %s is read as its schema says, whatever its fields are', (_, schema) => {
  const shortWay = (body: object): unknown => {
    try {
      return readFields(schema, body)
    } catch (error) {
      return error instanceof LatchkeyError ? 'refused' : error
    }
  }
  const names = [...Object.keys(schema.entries), 'other', '__proto__', 'constructor', 'toString']
  let taken = 0
  for (const first of names) {
    for (const second of names) {
      for (const one of values) {
        for (const two of values) {
          const text = JSON.stringify({ [first]: one, [second]: two })
          const body = JSON.parse(text)
          for (const each of [body, { secret: 's', ...body }]) {
            const expected = longWay(schema, each)
            expect([text, shortWay(each)]).toEqual([text, expected])
            if (expected !== 'refused') taken++
          }
        }
      }
    }
  }
  expect(taken).toBeGreaterThan(500)
})
