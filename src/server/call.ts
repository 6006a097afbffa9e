/** What answers a request is given. */

import type { LiveDatabase } from './database.ts'
import type { Log } from './log.ts'
import type { Counters } from './metrics.ts'

export interface AppOptions {
  readonly database: LiveDatabase
  readonly counters: Counters
  readonly now: () => Date
  readonly log: Log
}

/** One request on its way. */
export interface Call {
  readonly request: Request
  /** What stands for `ID` in the path. */
  readonly id: string
  /** Id of the key that asks, once it is known. */
  caller: string | null
}
