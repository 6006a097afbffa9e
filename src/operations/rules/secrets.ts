/**
 * Creates, checks and hashes secrets. A secret leaves this module only as the return value of `mintSecret`; nothing here
 * writes, logs or throws it.
 */
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 30
const checksumLength = 6

export const defaultPrefix = 'lk'

/** Longest secret that is looked up. Longer input is malformed. */
const longest = 512

/**
 * A new secret: prefix, underscore, 30 random base62 characters (178 bits), and a checksum of 6, which tells a typo from a
 * revoked key without the database.
 */
export function mintSecret(prefix: string): string {
  const body = `${prefix}_${randomBase62(bodyLength)}`
  return body + checksum(body)
}

/** SHA-256 of the whole secret in lower-case hex. Only this is stored. */
export function hashSecret(secret: string): string {
  return Bun.CryptoHasher.hash('sha256', secret, 'hex')
}

/**
 * The start that is stored for display: the prefix and six characters of our secrets; a third of a foreign one, at most
 * twelve characters but at least three beyond its prefix, so that two `dok_live_…` look different.
 */
export function startOf(secret: string): string {
  if (hasChecksum(secret)) return secret.slice(0, secret.indexOf('_') + 7)
  const third = Math.min(12, Math.max(1, Math.floor(secret.length / 3)))
  const prefix = foreignPrefix(secret).length
  return secret.slice(0, secret.length < prefix + beyondPrefix ? third : Math.max(third, prefix + 3))
}

/** A prefix that many secrets of a system share, such as `sk-` or `dok_live_`. */
const foreignPrefix = (text: string): string => /^(?:[a-z]{2,8}\d{0,2}[_-]){1,2}/.exec(text)?.[0] ?? ''

/** With this many characters after the prefix, showing three is safe. */
const beyondPrefix = 12

/**
 * The shortest and longest possible length of a foreign secret with this start; null if unknown.
 */
export function lengthsOf(start: string): readonly [least: number, most: number] | null {
  if (start.length >= 12) return null
  const prefix = foreignPrefix(start).length
  const isByPrefix = start.length === prefix + 3
  const least = 3 * start.length
  return [isByPrefix ? Math.min(least, prefix + beyondPrefix) : least, least + 2]
}

/**
 * Whether the text cannot be a secret: it is empty, too long, has white space or control characters, or begins with `lk_`
 * but has the wrong length or checksum. Other prefixes may be foreign and are looked up.
 */
export function isMalformed(secret: string): boolean {
  if (typeof secret !== 'string' || secret.length === 0 || secret.length > longest) return true
  return secret.startsWith(`${defaultPrefix}_`) ? !hasChecksum(secret) : !/^[\x21-\x7e]+$/.test(secret)
}

/** Whether the text has the form of our secrets, with any prefix, and a valid checksum. */
export function hasChecksum(secret: string): boolean {
  if (!/^[a-z0-9]{2,12}_[0-9A-Za-z]{36}$/.test(secret)) return false
  const body = secret.slice(0, -checksumLength)
  return checksum(body) === secret.slice(-checksumLength)
}

/**
 * Random letters and digits, almost six bits apiece. Only bytes below 248 = 4 × 62 are used (rejection sampling), so every
 * character is equally likely.
 */
export function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 248 && text.length < length) text += base62[byte % 62]
    }
  }
  return text
}

/** CRC-32 (ISO-HDLC, as in zlib) of the text, as six base62 digits. */
function checksum(body: string): string {
  let rest = Bun.hash.crc32(body)
  let digits = ''
  for (let i = 0; i < checksumLength; i++) {
    digits = base62[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
