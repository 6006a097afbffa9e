import { expect, test } from 'bun:test'
import { harmless, printable, printableLine } from './printable.ts'

test.each([
  ['plain ünïcode 日本 👩‍🚀', 'plain ünïcode 日本 👩‍🚀'],
  ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
  ['\x9b2J', '\\x9b2J'],
  ['a\rb\x7f', 'a\\rb\\x7f'],
  ['txt.\u202eexe', 'txt.\\u202eexe'],
  ['c\u200bi', 'c\\u200bi'],
  ['\ud800', '\ufffd'],
  ['two\nlines\t', 'two\nlines\t'],
])('%j reads %j', (text, shown) => {
  expect(printable(text)).toBe(shown)
})

test('on one line, line breaks are spelt out', () => {
  expect(printableLine('a\nb\tc')).toBe('a\\nb\\tc')
})

test('every text within a value is made harmless, and nothing else changes', () => {
  const at = new Date(0)
  expect<unknown>(harmless([{ 'k\x07': ['\x1b[2J'], at, none: null, count: 3, ok: true }])).toEqual([
    { 'k\\x07': ['\\x1b[2J'], at, none: null, count: 3, ok: true },
  ])
})
