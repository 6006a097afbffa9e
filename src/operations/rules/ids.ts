/** Ids: a prefix that names the kind, then a UUIDv7 (RFC 9562) in Crockford's base32, so that they sort by time. */
import type { Noun, nouns } from '../../contract/nouns.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export type IdPrefix =
  | (typeof nouns)[Noun]['prefix']
  | 'lim'
  | 'mem'
  | 'inv'
  | 'tmm'
  | 'aud'
  | 'imp'
  | 'bak'
  | 'dbs'
  | 'res'
  | 'msg'
  | 'fil'
  | 'fch'
  | 'acc'
  | 'ses'
  | 'ver'

/**
 * A new id such as `key_01kaqv8w2e7gztn3m5c9d4x6hb`: 26 characters after the underscore. Ids of one millisecond sort in
 * the order in which this process made them.
 */
export function newId(prefix: IdPrefix, now: Date): string {
  made += 1n
  const random = BigInt(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
  // RFC 9562, 5.7 and 6.2 (method 1): time, version, 12 bits of the counter, variant, its other 30 bits, random.
  let rest =
    (BigInt(now.getTime()) << 80n) |
    (7n << 76n) |
    ((made >> 30n) << 64n) |
    (2n << 62n) |
    ((made & 0x3fffffffn) << 32n) |
    random
  const digits: string[] = []
  for (let i = 25; i >= 0; i--) {
    digits[i] = alphabet[Number(rest & 31n)] ?? ''
    rest >>= 5n
  }
  // Joined with +, the string would keep every step alive, at 30 times the memory.
  return [prefix, '_', ...digits].join('')
}

/** Counts the ids of this process. It begins at a random number below 2^32, and its 42 bits never overflow. */
let made = BigInt(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)

/** Whether `text` is an id of this kind, or a prefix of one that is long enough to select by (6 characters). */
export const looksLikeId = (text: string, prefix: IdPrefix): boolean =>
  text.startsWith(prefix) && form.test(text)

/** Compiled once, because every request that names a key by its id asks. Every prefix has three letters. */
const form = new RegExp(`^[a-z]{3}_[${alphabet}]{6,26}$`)

/** Whether `text` is a whole id of this kind. */
export const isWholeId = (text: string, prefix: IdPrefix): boolean =>
  text.length === prefix.length + 27 && looksLikeId(text, prefix)
