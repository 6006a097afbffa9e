import { expect, test } from 'bun:test'
import { wantedPager, wantsColor, wantsPictures, wantsUnicode } from './color.ts'

test.each([
  [true, true, {}, false],
  [false, false, {}, false],
  [false, true, { NO_COLOR: '1' }, false],
  [true, true, { NO_COLOR: '' }, false],
  [false, true, { TERM: 'dumb' }, false],
  [true, false, { FORCE_COLOR: '1' }, false],
  [true, false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  [false, true, { FORCE_COLOR: '0' }, false],
  [false, false, { FORCE_COLOR: '' }, false],
  [false, true, {}, true],
  [false, false, { FORCE_COLOR: '1' }, true],
])('%p on a terminal %p with %j and --no-color %p', (expected, terminal, env, noColor) => {
  expect(wantsColor(terminal, env, noColor)).toBe(expected)
})

test.each([
  [true, {}],
  [true, { LANG: 'en_US.UTF-8' }],
  [true, { LC_ALL: 'C.utf8' }],
  [false, { LANG: 'C' }],
  [false, { LC_ALL: 'POSIX', LANG: 'en_US.UTF-8' }],
  [false, { TERM: 'linux' }],
  [false, { TERM: 'dumb', LANG: 'C.UTF-8' }],
  [false, { LC_CTYPE: 'de_DE.ISO-8859-1', LANG: 'de_DE.UTF-8' }],
  [true, { LC_CTYPE: 'UTF-8', LANG: 'C' }],
])('Unicode %p with %j', (expected, env) => {
  expect(wantsUnicode(env)).toBe(expected)
})

test.each([
  [true, true, undefined],
  [false, false, undefined],
  [true, true, 'auto'],
  [false, false, 'auto'],
  [true, false, 'always'],
  [false, true, 'never'],
])('pictures %p on a terminal %p with --chart %p', (expected, terminal, chart) => {
  expect(wantsPictures(terminal, chart)).toBe(expected)
})

test.each([
  ['less -FRX', {}],
  ['most', { PAGER: 'most' }],
  ['bat -p', { LATCHKEY_PAGER: ' bat -p ', PAGER: 'most' }],
  [undefined, { LATCHKEY_PAGER: '', PAGER: 'most' }],
  [undefined, { PAGER: 'cat' }],
  [undefined, { PAGER: 'most', TERM: 'dumb' }],
])('the pager is %p with %j', (expected, env) => {
  expect(wantedPager(env)).toBe(expected)
})
