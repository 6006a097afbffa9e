import { expect, test } from 'bun:test'

const at = new Date(1)

test.each([
  ['a date', { at }, { at: new Date(2) }],
  ['one in a list in something', { all: [{ at }] }, { all: [{ at: new Date(2) }] }],
  ['a set', { names: new Set(['a']) }, { names: new Set(['b']) }],
  ['a map', { ages: new Map([['a', 1]]) }, { ages: new Map([['a', 2]]) }],
  ['a date of an error', Object.assign(new Error('late'), { at }), { at: new Date(2) }],
])('%s is compared by toMatchObject', (_, received, wanted) => {
  expect(() => expect(received).toMatchObject(wanted)).toThrow('not')
  expect(received).not.toMatchObject(wanted)
  expect(received).toMatchObject({ ...received })
})

test('so it is of what a promise gives', async () => {
  await expect(Promise.resolve({ at })).resolves.toMatchObject({ at: new Date(1) })
  await expect(Promise.resolve({ at })).resolves.not.toMatchObject({ at: new Date(2) })
})

test('what is wanted in two places is compared in both', () => {
  const none = { names: [] }
  expect({ users: none, keys: none }).toMatchObject({ users: none, keys: none })
  expect({ users: none, keys: { names: ['ci'] } }).not.toMatchObject({ users: none, keys: none })
})
