/**
 * Facts of keys without limits, such as those of gateways. They depend on no time, so they hold until the database changes,
 * whoever changes it. Rules judge them with each request all the same.
 */
import type { Statement } from 'bun:sqlite'
import type { KeyBy, KeyFacts, Moment, Refuses } from '../facts.ts'
import type { SqliteFacts } from './facts.ts'
import { requireUnchanged } from './open.ts'

export class UnlimitedKeys {
  readonly #facts: SqliteFacts
  readonly #look: Statement<unknown, []>
  readonly #known = new Map<string, KeyFacts>()
  /** Of the database that they are from. */
  #version = Number.NaN

  constructor(facts: SqliteFacts) {
    this.#facts = facts
    this.#look = facts.client.keep('PRAGMA data_version')
  }

  /** What is known of a key, if the database has not changed since. Needs no snapshot. */
  known(by: KeyBy): KeyFacts | undefined {
    const known = 'hash' in by ? this.#known.get(by.hash) : undefined
    if (known === undefined || this.#version !== this.#versionNow()) return undefined
    requireUnchanged(this.#facts.client)
    return known
  }

  /** As of `facts`, in the snapshot of the caller. */
  keyAt(by: KeyBy, moment: Moment, refuses?: Refuses): KeyFacts | null {
    const found = this.#facts.keyAt(by, moment, refuses)
    if ('hash' in by && found?.bound.length === 0 && found.limits !== null) this.#keep(by.hash, found)
    return found
  }

  #keep(hash: string, found: KeyFacts): void {
    const version = this.#versionNow()
    if (version !== this.#version || this.#known.size >= mostKnown) this.#known.clear()
    this.#version = version
    this.#known.set(hash, found)
  }

  /** The counter also counts the commits of this connection. It is as of when the database was looked at last. */
  #versionNow(): number {
    this.#look.get()
    return this.#facts.client.changeCounter()
  }
}

const mostKnown = 1_000
