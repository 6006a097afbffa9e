import { expect, test } from 'bun:test'
import { looksLikeId, newId } from './ids.ts'

test('ids are what they look like, and sort by the time at which they were made', () => {
  const made = [0, 1, 1_795_000_000_000].map(at => newId('key', new Date(at)))
  expect(made.every(id => looksLikeId(id, 'key') && id.length === 30)).toBe(true)
  expect(made.toSorted()).toEqual(made)
})

// A hundred thousand keys of an import hold two of them each.
test('an id holds no more memory than its characters need', () => {
  const now = new Date()
  const ids: string[] = []
  const used = (): number => {
    Bun.gc(true)
    return process.memoryUsage().heapUsed
  }
  const before = used()
  for (let n = 0; n < 20_000; n++) ids.push(newId('lim', now))
  expect((used() - before) / ids.length).toBeLessThan(200)
})
