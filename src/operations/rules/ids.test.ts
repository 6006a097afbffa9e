import { gcAndSweep } from 'bun:jsc'
import { expect, test } from 'bun:test'
import { looksLikeId, newId } from './ids.ts'

test('ids are what they look like, and sort by the time at which they were made', () => {
  const made = [0, 1, 1_795_000_000_000].map(at => newId('key', new Date(at)))
  expect(made.every(id => looksLikeId(id, 'key') && id.length === 30)).toBe(true)
  expect(made.toSorted()).toEqual(made)
})

// A process that serves requests makes ids for other times in between. A UUIDv7 of Bun counts to 4,096 and begins again.
test('of one millisecond they sort in the order in which they were made, however many', () => {
  const [now, later] = [new Date(1_795_000_000_000), new Date(1_795_000_000_001)]
  const made: string[] = []
  for (let n = 0; n < 10_000; n++) {
    made.push(newId('aud', now))
    if (n % 100 === 0) newId('key', later)
  }
  expect(made.findIndex((id, n) => id < (made[n - 1] ?? ''))).toBe(-1)
  expect(new Set(made).size).toBe(made.length)
})

test('an id is a UUIDv7', () => {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz'
  const at = Date.now()
  let bits = 0n
  for (const digit of newId('key', new Date(at)).slice(4)) bits = bits * 32n + BigInt(digits.indexOf(digit))
  expect([bits >> 80n, (bits >> 76n) & 15n, (bits >> 62n) & 3n]).toEqual([BigInt(at), 7n, 2n])
})

// A hundred thousand keys of an import hold two of them each.
test('an id holds no more memory than its characters need', () => {
  const now = new Date()
  const ids: string[] = []
  const used = (): number => {
    gcAndSweep()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  for (let n = 0; n < 20_000; n++) ids.push(newId('lim', now))
  expect((used() - before) / ids.length).toBeLessThan(200)
})
