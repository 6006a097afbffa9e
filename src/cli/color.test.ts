import { expect, test } from 'bun:test'
import { wantsColor, wantsUnicode } from './color.ts'

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
])('Unicode %p with %j', (expected, env) => {
  expect(wantsUnicode(env)).toBe(expected)
})
