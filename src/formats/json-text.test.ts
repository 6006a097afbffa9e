import { expect, test } from 'bun:test'
import { parseJson } from './json-text.ts'

test.each([
  ['', 1, 1],
  ['{"a": 1,}', 1, 9],
  ['{"a": 1,\n "b": pk_secret}', 2, 7],
  ['{"a" 1}', 1, 6],
  ["{'a': 1}", 1, 2],
  ['[1 2]', 1, 4],
  ['[1,]', 1, 4],
  ['[]\n[]', 2, 1],
  ['{"keys": [', 1, 11],
  ['"tab\tinside"', 1, 1],
  ['"\\x"', 1, 1],
  ['[01]', 1, 3],
  ['NaN', 1, 1],
  ['// note\n{}', 1, 1],
])('the place of the first mistake in %j is line %d, column %d', (text, line, column) => {
  expect(parseJson(text)).toEqual({ ok: false, place: { line, column } })
})

test.each(['null', ' [1, -0.5e+3, "\\u00e9\\n", {"a": {}, "b": []}, true] \r\n'])('%j is read', text => {
  expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) })
})

test('a text cut anywhere is refused with a place', () => {
  const whole = '{"keys": [{"key": "pk_a", "n": [1, 2.5, null], "b": "x\\"y"}]}'
  for (let end = 0; end < whole.length; end++) {
    const result = parseJson(whole.slice(0, end))
    expect(result.ok).toBe(false)
    if (!result.ok) expect(result.place).not.toBeNull()
  }
})

test('a text of a hundred thousand brackets is refused, not overflowed', () => {
  expect(parseJson('['.repeat(100_000))).toEqual({ ok: false, place: { line: 1, column: 100_001 } })
})
