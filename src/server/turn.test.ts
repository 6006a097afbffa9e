import { expect, spyOn, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { OfThisTurn } from './turn.ts'

test('what was found out is known until the turn ends, and for a millisecond at most', async () => {
  let now = performance.now()
  const clock = spyOn(performance, 'now').mockImplementation(() => now)
  const known = new OfThisTurn<number>()
  for (const value of [1, 2]) {
    known.set('a', value)
    await null
    known.set('b', value)
    expect([known.get('a'), known.get('b'), known.get('c')]).toEqual([value, value, undefined])
    await setImmediate()
    expect([known.get('a'), known.get('b')]).toEqual([undefined, undefined])
  }
  known.set('a', 3)
  now += 0.6
  known.set('b', 3)
  expect([known.get('a'), known.get('b')]).toEqual([3, 3])
  now += 0.6
  expect([known.get('a'), known.get('b')]).toEqual([undefined, undefined])
  known.set('b', 4)
  expect([known.get('a'), known.get('b')]).toEqual([undefined, 4])
  clock.mockRestore()
})
