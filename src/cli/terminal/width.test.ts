import { expect, test } from 'bun:test'
import { cut, fold, widthOf } from './width.ts'

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['日本語の名前', 6, '日本…'],
  ['日本語の名前', 5, '日本…'],
  ['👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 5, '👨‍👩‍👧👨‍👩‍👧…'],
  ['👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 4, '👨‍👩‍👧…'],
  ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ['🇩🇪🇫🇷🇮🇹', 4, '🇩🇪…'],
  ['שלום עולם', 5, 'שלום…'],
  ['abc', 1, '…'],
  ['abc', 0, ''],
  ['\x1b[31mabcdef\x1b[39m', 4, '\x1b[31mabc…\x1b[39m'],
  ['a\x1b[1mb\x1b[22m\x1b[31mcdef\x1b[39m', 3, 'a\x1b[1mb\x1b[22m\x1b[31m…\x1b[39m'],
])('%j in %p columns is %j', (text, most, expected) => {
  expect(cut(text, most, '…')).toBe(expected)
})

test.each([
  ['one two three', 8, ['one two', 'three']],
  ['one', 8, ['one']],
  ['', 8, []],
  ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
  ['日本語の名前', 5, ['日本', '語の', '名前']],
  ['👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 4, ['👨‍👩‍👧👨‍👩‍👧', '👨‍👩‍👧']],
  ['in /var/backups/latchkey now', 10, ['in', '/var/backups/latchkey', 'now']],
  ['key_01jdq3v8k2f0a9b7c6d5e4f3g2', 10, ['key_01jdq3v8k2f0a9b7c6d5e4f3g2']],
  ['👨‍👩‍👧', 1, ['👨‍👩‍👧']],
])('%j folded at %p is %j', (text, most, expected) => {
  expect(fold(text, most)).toEqual(expected)
})

const pieces = [
  ...['a', 'b c', ' ', '.', 'W', '\x1b[31m', '\x1b[39m', '日', '本', '한', '각', 'ﷺ', 'กำ', 'שלום', 'مرحبا'],
  ...[
    '🙂',
    '👨‍👩‍👧',
    '❤️',
    '🇩🇪',
    '1️⃣',
    '👍🏽',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '⚠️',
    '\u0301',
    '\u200d',
    '\ufe0f',
    '\u20e3',
    '🏽',
    '\u200c',
    '�',
  ],
]

test('whatever it is made of, text is cut and folded to the width that was asked for', () => {
  let seed = 1
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647
    return seed % below
  }
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: 1 + random(24) }, () => pieces[random(pieces.length)]).join('')
    const most = 2 + random(16)
    expect([text, widthOf(cut(text, most, '…')) <= most]).toEqual([text, true])
    for (const line of fold(text, most)) {
      expect([text, line, widthOf(line) <= most]).toEqual([text, line, true])
    }
    expect(fold(text, most).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
  }
})
