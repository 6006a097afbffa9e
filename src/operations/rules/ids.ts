/** Ids: a prefix that names the kind, then a UUIDv7 (RFC 9562) in Crockford's base32, so that they sort by time. */
import type { Noun, nouns } from '../../contract/nouns.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export type IdPrefix = (typeof nouns)[Noun]['prefix'] | 'lim' | 'aud' | 'imp' | 'bak' | 'res'

/** A new id such as `key_01kaqv8w2e7gztn3m5c9d4x6hb`: 26 characters after the underscore. */
export function newId(prefix: IdPrefix, now: Date): string {
  let rest = BigInt(`0x${Bun.randomUUIDv7('hex', now.getTime()).replaceAll('-', '')}`)
  const digits: string[] = []
  for (let i = 25; i >= 0; i--) {
    digits[i] = alphabet[Number(rest & 31n)] ?? ''
    rest >>= 5n
  }
  // Joined with +, the string would keep every step alive, at 30 times the memory.
  return [prefix, '_', ...digits].join('')
}

/** Whether `text` is an id of this kind, or a prefix of one that is long enough to select by (6 characters). */
export function looksLikeId(text: string, prefix: IdPrefix): boolean {
  return new RegExp(`^${prefix}_[${alphabet}]{6,26}$`).test(text)
}
