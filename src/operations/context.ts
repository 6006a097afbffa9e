/** What every operation is given: the store, the clock, and on whose behalf it acts. */
import type { Origin } from '../contract/views.ts'
import type { Store } from '../db/transaction.ts'

export interface Actor {
  readonly name: string
  readonly origin: Origin
}

export interface OperationContext {
  readonly store: Store
  readonly now: () => Date
  readonly actor: Actor
}
