/** Recognises password hashes that can be verified here. */

/**
 * Returns the hash, or null if it cannot be verified here or would take minutes. Recognises bcrypt, and argon2 in the
 * format of its reference implementation, and Better Auth's scrypt.
 */
export function knownPasswordHash(text: string): string | null {
  if (scryptParts(text) !== null) return text
  const bcrypt = /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)
  if (bcrypt) return isWithin(bcrypt[1], 4, costliestRound) ? text : null
  const argon2 =
    /^\$argon2(?:id|i|d)\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[+/A-Za-z0-9]{11,}\$[+/A-Za-z0-9]{22,}$/.exec(text)
  if (!argon2) return null
  const [, memory, time, lanes] = argon2
  return isWithin(memory, 8, mostKibibytes) && isWithin(time, 1, 16) && isWithin(lanes, 1, 16) ? text : null
}

/** Each round doubles the time; 16 take some seconds. */
const costliestRound = 16
const mostKibibytes = 1_048_576

const isWithin = (text: string | undefined, least: number, most: number): boolean =>
  Number(text) >= least && Number(text) <= most

/** What Better Auth stores: the salt and the key of scrypt, both in hex. Null for anything else. */
export function scryptParts(text: string): { readonly salt: string; readonly key: string } | null {
  const [, salt, key] = /^([0-9a-f]{16,128}):([0-9a-f]{128})$/i.exec(text) ?? []
  return salt === undefined || key === undefined ? null : { salt, key }
}
