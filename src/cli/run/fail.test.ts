import { expect, test } from 'bun:test'
import { LatchkeyError } from '../../contract/errors.ts'
import { failureOf } from '../../contract/failure.ts'
import { renderFailure } from './fail.ts'

const text = (error: unknown, debug = false) => renderFailure(failureOf(error), 'table', debug)

test('an expected error is its message and the next step', () => {
  const error = new LatchkeyError('not_found', "no key 'ci'", 'latchkey key list')
  expect(text(error)).toBe("latchkey: no key 'ci'\ntry: latchkey key list\n")
  expect(failureOf(error).exit).toBe(3)
})

test.each(['json', 'ndjson'] as const)('under %s it is one object on one line', format => {
  const error = new LatchkeyError('conflict', 'a "ci" exists', 'choose another name')
  expect(renderFailure(failureOf(error), format, true)).toBe(
    '{"error":{"code":"conflict","message":"a \\"ci\\" exists","hint":"choose another name","exit":5}}\n',
  )
})

test('an unknown error is told by its deepest cause, because a failed query repeats its parameters', () => {
  class DrizzleQueryError extends Error {
    override name = 'DrizzleQueryError'
  }
  const query = 'Failed query: insert into secrets values (?)\nparams: hunter2'
  const nested = new DrizzleQueryError(query, { cause: new Error('disk I/O error') })
  const wrapped = new Error('outer hunter2', { cause: nested })
  for (const error of [nested, wrapped, new DrizzleQueryError(query), new Error(query)]) {
    for (const debug of [false, true]) {
      expect(text(error, debug)).not.toContain('hunter2')
      expect(renderFailure(failureOf(error), 'json', debug)).not.toContain('hunter2')
    }
    expect(failureOf(error)).toMatchObject({ code: 'unexpected', exit: 1 })
  }
  expect(text(wrapped)).toContain('latchkey: disk I/O error\n')
})

test('frames are shown on demand only', () => {
  const error = new TypeError('x is not a function')
  expect(text(error)).not.toContain('    at ')
  expect(text(error)).toContain('LATCHKEY_DEBUG=1')
  expect(text(error, true)).toContain('fail.test.ts')
})

test.each([
  ['ENOSPC', 'disk_full', 78],
  ['EACCES', 'permission', 78],
  ['EROFS', 'permission', 78],
  ['EWHATEVER', 'unexpected', 1],
] as const)('%s is %s', (code, expected, exit) => {
  const error = Object.assign(new Error('it failed'), { code })
  expect(failureOf(error)).toMatchObject({ code: expected, exit })
})

test.each([[undefined], [null], [42], [''], [{}], [new Error('')]])(
  'thrown value %# still is a message',
  thrown => {
    expect(text(thrown)).toMatch(/^latchkey: \S.*\ntry: \S.*\n$/)
  },
)

test('nothing that is told can steer the terminal', () => {
  const error = new LatchkeyError('not_found', 'no key \x1b]0;owned\x07\x1b[2J\u202e', 'x')
  expect(text(error)).toBe('latchkey: no key \\x1b]0;owned\\x07\\x1b[2J\\u202e\ntry: x\n')
})
