/**
 * Secrets: made, checked offline, hashed. The text of a secret leaves this module only as the return value of
 * `mintSecret`; nothing here writes, logs or throws it.
 */
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 30
const checksumLength = 6

export const defaultPrefix = 'lk'

/** Longest secret that is looked up at all; longer input is malformed. */
const longest = 512

/**
 * A new secret: prefix, underscore, 30 base62 characters (178 bits) from the system's generator, and 6 of
 * checksum, so that a typo is told from a revoked key without the database.
 */
export function mintSecret(prefix: string): string {
  const body = `${prefix}_${randomBase62(bodyLength)}`
  return body + checksum(body)
}

/** SHA-256 of the whole secret in lower-case hex: all that is stored. */
export function hashSecret(secret: string): string {
  return Bun.CryptoHasher.hash('sha256', secret, 'hex')
}

/**
 * What is kept for display: the prefix and six characters of a secret of ours; a third of a foreign one, at most twelve
 * characters, but at least three beyond its prefix, so that two `dok_live_…` are not the same to look at.
 */
export function startOf(secret: string): string {
  if (hasChecksum(secret)) return secret.slice(0, secret.indexOf('_') + 7)
  const third = Math.min(12, Math.max(1, Math.floor(secret.length / 3)))
  const prefix = foreignPrefix(secret).length
  return secret.slice(0, secret.length < prefix + beyondPrefix ? third : Math.max(third, prefix + 3))
}

/** `sk-`, `dok_live_`: what many secrets of one system have in common. */
const foreignPrefix = (text: string): string => /^(?:[a-z]{2,8}\d{0,2}[_-]){1,2}/.exec(text)?.[0] ?? ''

/** Characters behind a prefix of which three give nothing away. */
const beyondPrefix = 12

/**
 * The lengths that a foreign secret may have of which this is the start: at least, and at most; null when the start does
 * not tell.
 */
export function lengthsOf(start: string): readonly [least: number, most: number] | null {
  if (start.length >= 12) return null
  const prefix = foreignPrefix(start).length
  const isByPrefix = start.length === prefix + 3
  const least = 3 * start.length
  return [isByPrefix ? Math.min(least, prefix + beyondPrefix) : least, least + 2]
}

/**
 * Whether the text cannot be a secret: empty, too long, with white space or control characters in it, or one that
 * begins like ours (`lk_`) and has the wrong length or checksum. Other prefixes may be foreign and are looked up.
 */
export function isMalformed(secret: string): boolean {
  if (
    typeof secret !== 'string' ||
    secret.length === 0 ||
    secret.length > longest ||
    !/^[\x21-\x7e]+$/.test(secret)
  )
    return true
  return secret.startsWith(`${defaultPrefix}_`) && !hasChecksum(secret)
}

/** Whether the text has the form of a secret of ours under any prefix, and its checksum fits. */
export function hasChecksum(secret: string): boolean {
  if (!/^[a-z0-9]{2,12}_[0-9A-Za-z]{36}$/.test(secret)) return false
  const body = secret.slice(0, -checksumLength)
  return checksum(body) === secret.slice(-checksumLength)
}

/** Rejection sampling: a byte below 248 = 4 × 62 gives each character the same chance. */
function randomBase62(length: number): string {
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
