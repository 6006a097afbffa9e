/**
 * What binds the keys that were asked about lately, so that a verdict only adds up what counts against their limits. It holds
 * until the database changes, whoever changes it; what the same connection counts leaves it as it is. Rules judge it with each
 * request all the same.
 */
import type { Statement } from 'bun:sqlite'
import { isForEach, type KeyBy, type KeyFacts, type Moment, type Refuses } from '../facts.ts'
import type { Counted } from './counted.ts'
import type { BoundKey, Scope, SqliteFacts } from './facts.ts'
import { requireUnchanged } from './open.ts'

interface Known {
  readonly key: BoundKey
  /** Of each of its limits. */
  readonly scopes: readonly Scope[]
}

export class KnownKeys {
  readonly #facts: SqliteFacts
  readonly #look: Statement<unknown, []>
  readonly #known = new Map<string, Known>()
  /** When keys were used since. */
  readonly #lastUses = new Map<string, number>()
  /** Of the database that they are from. */
  #version = Number.NaN

  constructor(facts: SqliteFacts) {
    this.#facts = facts
    this.#look = facts.client.keep('PRAGMA data_version')
  }

  /** What is stored about a key that is known, if the database has not changed since. Needs no snapshot. */
  known(by: KeyBy, moment: Moment, refuses?: Refuses): KeyFacts | undefined {
    const known = 'hash' in by ? this.#known.get(by.hash) : undefined
    if (known === undefined) return undefined
    const { key, scopes } = known
    const { sums } = this.#facts
    const limits = refuses?.(key) ? null : this.#facts.count(scopes, moment)
    if (this.#facts.sums === sums) this.#look.get()
    // Each statement looked at the database as it was then. If it is the known one still, it was with all of them.
    if (this.#version !== this.#facts.client.changeCounter()) return undefined
    requireUnchanged(this.#facts.client)
    const used = this.#lastUses.get(key.id)
    const lastUsedAt = used === undefined ? key.lastUsedAt : Math.max(used, key.lastUsedAt ?? used)
    return { ...key, lastUsedAt, limits }
  }

  /** As of `facts`, in the snapshot of the caller. */
  keyAt(by: KeyBy, moment: Moment, refuses?: Refuses): KeyFacts | null {
    return this.#facts.keyAt(by, moment, refuses, (key, scopes) => {
      // What each end user may use is looked up for them.
      if ('hash' in by && !key.bound.some(isForEach)) this.#keep(by.hash, { key, scopes })
    })
  }

  /** The connection committed a transaction that only counted. */
  counted({ before, after, hasNewSeries, lastUses }: Counted): void {
    if (before !== this.#version || hasNewSeries || this.#lastUses.size > mostKnown) return
    this.#version = after
    for (const [id, at] of lastUses) this.#lastUses.set(id, Math.max(at, this.#lastUses.get(id) ?? at))
  }

  #keep(hash: string, known: Known): void {
    const version = this.#facts.client.changeCounter()
    if (version !== this.#version || this.#known.size >= mostKnown) {
      this.#known.clear()
      this.#lastUses.clear()
      this.#version = version
    }
    this.#known.set(hash, known)
  }
}

/** A key with a limit takes one to two kilobytes. */
const mostKnown = 5_000
