/**
 * The chain of the audit log: each row has the hash of the row before it and its own, so that no row can be changed, removed,
 * added or moved without a trace. What may name a person is hashed by itself with a salt. Erasing it leaves that hash, and the
 * chain whole; without the salt nobody can guess what was hashed. docs/audit.md says how to compute it with other tools.
 */

import type { Origin } from '../contract/views.ts'

/** A row as it is stored; JSON is text. */
export interface Chainable {
  readonly id: string
  readonly at: number
  readonly actor: string
  readonly origin: Origin
  readonly action: string
  readonly targetType: string
  readonly targetId: string
  readonly targetName: string | null
  readonly before: string | null
  readonly after: string | null
}

/** Where a chain has got to. */
export interface Head {
  readonly seq: number
  /** SHA-256 in hex. */
  readonly hash: string
}

/** What a row has of the chain. */
export interface Link extends Head {
  /** The hash of the row before. */
  readonly previous: string
  /** Of the actor and of the details, each its salt, or `=` and its hash once it is erased. */
  readonly salt: string
}

/** Before the first row. */
export const start: Head = { seq: 0, hash: '0'.repeat(64) }

/** The place of a new row after `head`. */
export function linkAfter(head: Head, row: Chainable): Link {
  const salt = newSalt()
  return { seq: head.seq + 1, previous: head.hash, salt, hash: hashOf({ ...row, previous: head.hash, salt }) }
}

/** Each row with its place, in their order. */
export function* linked<Row extends Chainable>(head: Head, rows: Iterable<Row>): Generator<Row & Link> {
  let last = head
  for (const row of rows) {
    const link = linkAfter(last, row)
    yield { ...row, ...link }
    last = link
  }
}

/** The hash that a row must have. */
export function hashOf(row: Chainable & Pick<Link, 'previous' | 'salt'>): string {
  const { previous, id, at, origin, action, targetType, targetId } = row
  return sha256([previous, id, at, origin, action, targetType, targetId, ...commitments(row)])
}

/** What of a row is erased. */
export function erasedOf(salt: string): { readonly actor: boolean; readonly details: boolean } {
  const [actor, details] = parts(salt)
  return { actor: isErased(actor), details: isErased(details) }
}

/** The salt of a row once its actor, its details or both are erased: their hashes stand in its place. */
export function erasing(
  row: Chainable & Pick<Link, 'salt'>,
  what: { readonly actor: boolean; readonly details: boolean },
): string {
  const [actor, details] = parts(row.salt)
  const [actorHash, detailsHash] = commitments(row)
  return `${what.actor ? `=${actorHash}` : actor}.${what.details ? `=${detailsHash}` : details}`
}

/** The hashes of the actor and of the details: the name of the target, before and after. */
function commitments(row: Chainable & Pick<Link, 'salt'>): readonly [string, string] {
  const [actor, details] = parts(row.salt)
  return [
    isErased(actor) ? actor.slice(1) : sha256([actor, row.actor]),
    isErased(details) ? details.slice(1) : sha256([details, row.targetName, row.before, row.after]),
  ]
}

function parts(salt: string): readonly [string, string] {
  const [actor = '', details = ''] = salt.split('.')
  return [actor, details]
}

const isErased = (part: string): boolean => part.startsWith('=')

/** Two times twelve bytes. */
function newSalt(): string {
  const hex = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('hex')
  return `${hex.slice(0, 24)}.${hex.slice(24)}`
}

const sha256 = (values: readonly (string | number | null)[]): string =>
  new Bun.CryptoHasher('sha256').update(JSON.stringify(values)).digest('hex')
