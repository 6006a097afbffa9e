/**
 * Hashes of passwords, and where they are stored: one row of `accounts` each, whoever sets it. Those made here are argon2id;
 * bcrypt and Better Auth's scrypt, which other systems leave, can be verified.
 */
import type { Database } from '../../db/engine.ts'
import { and, eq, isNotNull, oneOf, type SQL, sql } from '../../db/query.ts'
import { accounts } from '../../db/schema/accounts.ts'
import { knownPasswordHash, scryptParts } from '../../formats/passwords.ts'
import { newId } from '../rules/ids.ts'
import { randomBase62 } from '../rules/secrets.ts'

export const hashPassword = (password: string): Promise<string> => Bun.password.hash(password, 'argon2id')

/** A password that nobody chose, of about 140 bits. */
export const newPassword = (): string => randomBase62(24)

/** Whether a hash, of any kind that can be verified here, is of the password. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const bytes = new TextEncoder().encode(password)
  const other = scryptParts(hash)
  if (other !== null) return isScrypt(password, other.salt, other.key)
  if (knownPasswordHash(hash) === null) return false
  if (await Bun.password.verify(password, hash)) return true
  // Other systems' bcrypt uses only 72 bytes, while Bun hashes longer passwords first, so both are tried.
  return (
    hash.startsWith('$2') &&
    bytes.length > bcryptBytes &&
    Bun.password.verify(bytes.subarray(0, bcryptBytes), hash)
  )
}

const bcryptBytes = 72

/** As Better Auth does: the hex of the salt is the salt. */
async function isScrypt(password: string, salt: string, key: string): Promise<boolean> {
  const { scrypt, timingSafeEqual } = await import('node:crypto')
  const wanted = Buffer.from(key, 'hex')
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const costs = { N: 16_384, r: 16, p: 1, maxmem: 128 * 16_384 * 16 * 2 }
  scrypt(password.normalize('NFKC'), salt, wanted.length, costs, (error, derived) =>
    error ? reject(error) : resolve(derived),
  )
  return timingSafeEqual(await promise, wanted)
}

export function algorithmOf(hash: string): string {
  if (hash.startsWith('$2')) return 'bcrypt'
  return scryptParts(hash) === null ? (hash.split('$')[1] ?? '') : 'scrypt'
}

/** The accounts that are passwords, of those that fit. */
export const isOwn = (condition: SQL): SQL | undefined =>
  and(eq(accounts.issuer, 'local:credential'), condition)

/** The hash of a user's password; null without one. */
export async function hashOf(db: Database, userId: string): Promise<string | null> {
  return (await hashesOf(db, [userId])).get(userId) ?? null
}

/** The hashes of passwords, by the ids of their users. @param userIds left out: of all users */
export async function hashesOf(
  db: Database,
  userIds?: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .select({ userId: accounts.userId, hash: sql<string>`${accounts.password}` })
    .from(accounts)
    .where(
      and(
        isOwn(isNotNull(accounts.password)),
        userIds === undefined ? undefined : oneOf(accounts.accountId, userIds),
      ),
    )
  return new Map(rows.map(({ userId, hash }) => [userId, hash]))
}

/** @param hash null for no password. @returns whether anything changed */
export async function storePassword(
  db: Database,
  userId: string,
  hash: string | null,
  at: number,
): Promise<boolean> {
  if (hash === null) {
    const gone = await db
      .delete(accounts)
      .where(isOwn(eq(accounts.accountId, userId)))
      .returning()
    return gone.length > 0
  }
  await db
    .insert(accounts)
    .values(passwordRow(userId, hash, at))
    .onConflictDoUpdate({
      target: [accounts.issuer, accounts.accountId],
      set: { password: hash, updatedAt: at },
    })
  return true
}

/** The row that is the password of a user. */
export const passwordRow = (userId: string, password: string, at: number): typeof accounts.$inferInsert => ({
  id: newId('acc', new Date(at)),
  userId,
  accountId: userId,
  password,
  createdAt: at,
  updatedAt: at,
})
