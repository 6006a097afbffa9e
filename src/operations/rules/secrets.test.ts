import { expect, test } from 'bun:test'
import { SecretScanner } from './scan.ts'
import { hasChecksum, hashSecret, isMalformed, mintSecret, startOf } from './secrets.ts'

test('a secret is its prefix, 30 random characters and a checksum of 6', () => {
  const secret = mintSecret('lk')
  expect(secret).toMatch(/^lk_[0-9A-Za-z]{36}$/)
  expect(hasChecksum(secret)).toBe(true)
  expect(startOf(secret)).toBe(secret.slice(0, 9))
})

test('the checksum is CRC-32 in six base62 digits', () => {
  const body = `lk_${'0'.repeat(30)}`
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let rest = Bun.hash.crc32(body)
  let sum = ''
  for (let i = 0; i < 6; i++, rest = Math.floor(rest / 62)) sum = digits[rest % 62] + sum
  expect(hasChecksum(body + sum)).toBe(true)
})

test('every changed, swapped, missing or added character of a secret is noticed', () => {
  const secret = mintSecret('lk')
  for (let at = 3; at < secret.length; at++) {
    const changed = secret.slice(0, at) + (secret[at] === 'x' ? 'y' : 'x') + secret.slice(at + 1)
    expect(isMalformed(changed)).toBe(true)
    if (at + 1 < secret.length && secret[at] !== secret[at + 1]) {
      const swapped = secret.slice(0, at) + secret[at + 1] + secret[at] + secret.slice(at + 2)
      expect(isMalformed(swapped)).toBe(true)
    }
    expect(isMalformed(secret.slice(0, at) + secret.slice(at + 1))).toBe(true)
  }
  expect(isMalformed(`${secret}0`)).toBe(true)
})

test.each([
  ['', true],
  ['lk_', true],
  ['has a blank', true],
  ['line\nbreak', true],
  ['x'.repeat(513), true],
  ['pk_test', false],
  ['cck_0123456789abcdef0123456789abcdef', false],
  ['sk-proj-whatever_it-is', false],
])('%p is malformed: %p', (text, malformed) => {
  expect(isMalformed(text)).toBe(malformed)
})

test('all 62 characters come up about equally often', () => {
  const seen = new Map<string, number>()
  for (let n = 0; n < 2_000; n++) {
    for (const character of mintSecret('lk').slice(3, 33)) seen.set(character, (seen.get(character) ?? 0) + 1)
  }
  // 60,000 draws over 62 characters: 968 each, with a standard deviation of 31.
  expect(seen.size).toBe(62)
  expect(Math.min(...seen.values())).toBeGreaterThan(968 - 6 * 31)
  expect(Math.max(...seen.values())).toBeLessThan(968 + 6 * 31)
})

test('the start of a short foreign secret gives away at most a third of it', () => {
  expect(startOf('pk_test')).toBe('pk')
  expect(startOf('dok_live_0123456789abcdef')).toBe('dok_live_012')
  expect(startOf(`cck_${'0123456789abcdef'.repeat(2)}`)).toBe('cck_01234567')
})

test.each(['', 'pk_', 'sk-', 'dok_live_', 'sk-ant-', 'key2_test_'])(
  'foreign secrets that begin with %j look different, give little away, and are found by their start',
  prefix => {
    for (let length = 12; length < 60; length++) {
      const [one = '', other = ''] = ['0123456789', 'ZYXWVUTSRQ'].map(
        alphabet => prefix + alphabet.repeat(6).slice(0, length),
      )
      const start = startOf(one)
      expect(start).not.toBe(startOf(other))
      expect(start.length - prefix.length).toBeLessThanOrEqual(Math.max(3, one.length / 3))
      const text = new TextEncoder().encode(`x${one}yz`)
      const scanner = new SecretScanner({ prefixes: [], starts: [start] })
      const seen = [...scanner.scan(text), ...scanner.end()].map(each => each.text)
      expect([one, seen.includes(one)]).toEqual([one, true])
    }
  },
)

test('what is stored is the SHA-256 of the whole secret', () => {
  expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
