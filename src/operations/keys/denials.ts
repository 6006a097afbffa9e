/**
 * Counts denials per key, day and code. A verdict must not write or wait, so denials are counted in memory and written
 * every few seconds and when the store closes. They only inform people: counts that cannot be written are kept for the
 * next time, and are lost with the process.
 */
import type { DeniedCode, Verdict } from '../../contract/views.ts'
import type { Store } from '../../db/engine.ts'

/** Counts a verdict that denies a key, unless it is for another time or the store is not writable. */
export function noteDenial(store: Store, { valid, code, key }: Verdict, at: Date): void {
  if (valid || code === 'valid' || key === null || !store.isWritable || store.dryRun) return
  let counter = counters.get(store)
  if (counter === undefined) {
    counter = new Counter(store)
    counters.set(store, counter)
  }
  counter.add(key.id, code, at.getTime())
}

const counters = new WeakMap<Store, Counter>()

interface Row {
  readonly keyId: string
  readonly start: number
  readonly code: DeniedCode
  count: number
  lastAt: number
}

const flushEveryMs = 5_000
const dayMs = 86_400_000
export const startOfDay = (at: number): number => Math.floor(at / dayMs) * dayMs

class Counter {
  readonly #store: Store
  #rows = new Map<string, Row>()
  #timer: NodeJS.Timeout | undefined

  constructor(store: Store) {
    this.#store = store
    store.beforeClose(() => this.#flush())
  }

  add(keyId: string, code: DeniedCode, at: number): void {
    this.#merge({ keyId, start: startOfDay(at), code, count: 1, lastAt: at })
    this.#timer ??= setTimeout(() => this.#flush(), flushEveryMs).unref()
  }

  #merge(row: Row): void {
    const name = `${row.keyId} ${row.start} ${row.code}`
    const known = this.#rows.get(name)
    if (known === undefined) this.#rows.set(name, row)
    else {
      known.count += row.count
      known.lastAt = Math.max(known.lastAt, row.lastAt)
    }
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const rows = [...this.#rows.values()]
    if (rows.length === 0) return
    this.#rows = new Map()
    try {
      await this.#store.usage.addDenials(rows)
    } catch {
      // The next denial starts the timer again.
      for (const row of rows) this.#merge(row)
    }
  }
}
