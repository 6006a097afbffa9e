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
  ['soft\xad', 'soft\\xad'],
  ['tag\u{e0041}', 'tag\\u{e0041}'],
  ...[
    ...'\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u202e\u2060\u2066\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0',
  ].map(each => [`tag${each}`, `tag\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`] as const),
  ['a\ufff9b\ufffac\ufffb', 'a\\ufff9b\\ufffac\\ufffb'],
  ['a\u{e0100}\u{1d173}', 'a\\u{e0100}\\u{1d173}'],
  // Tags that spell no flag, a variant of a digit that is no keycap, a joiner that joins nothing, a variant twice.
  ['🏴\u{e0041}\u{e007f}', '🏴\\u{e0041}\\u{e007f}'],
  ['1\ufe0f', '1\\ufe0f'],
  ['👩\u200d', '👩\\u200d'],
  ['é\u200d and e\u0301\u200c', 'é\\u200d and e\u0301\\u200c'],
  ['❤\ufe0f\ufe0f', '❤\ufe0f\\ufe0f'],
  // Emoji and scripts keep theirs.
  ...[
    '👩🏽\u200d🚀 👨\u200d👩\u200d👧 🏳\ufe0f\u200d🌈 ❤\u200d🔥 1\ufe0f\u20e3 #\ufe0f\u20e3 ☎\ufe0e',
    '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}',
    'می\u200cخواهم क्\u200dष ශ්\u200dරී',
    '葛\u{e0100} ≨\ufe00 ᠠ\u180b',
    '한국어 \u1112\u1161\u11ab',
  ].map(text => [text, text] as const),
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
