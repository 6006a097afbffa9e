import { expect, test } from 'bun:test'
import { LatchkeyError } from './errors.ts'

const body = 'a1B2'.repeat(9)

test.each([
  [`no key matches "lk_${body}"`, 'no key matches "lk_a1B…"'],
  [`dat_${body} and shop12_${body}`, 'dat_a1… and shop12…'],
  ['pk_test_abc123def456 is odd', 'pk_tes… is odd'],
  ['sk-proj-abcdefghijklmnop', 'sk-pro…'],
  ['key_01m7xse4bne13sqppg8htedy3y is revoked', 'key_01m7xse4bne13sqppg8htedy3y is revoked'],
  ['use latchkey key show pk_test', 'use latchkey key show pk_test'],
  ...['postgres', 'mysql', 'mariadb', 'mongodb+srv'].map(scheme => [
    `${scheme}://app:p@ss:w/rd@db.example.org:1/app?x=1 is no path`,
    `${scheme}://app:…@db.example.org:1/app?x=1 is no path`,
  ]),
  [
    'see https://db.example.org:8080/a and bob@example.org',
    'see https://db.example.org:8080/a and bob@example.org',
  ],
])('an error never repeats a secret: %p', (said = '', shown = '') => {
  const error = new LatchkeyError('not_found', said, said)
  expect([error.message, error.hint]).toEqual([shown, shown])
  expect(JSON.stringify(error) + error.stack).not.toContain('a1B2a1B2')
})
