/** A transaction that did nothing but count. */
export interface Counted {
  /** The database as the transaction found it, and as it left it: see `changeCounter`. */
  readonly before: number
  readonly after: number
  /** The earliest day that it counted on. */
  readonly firstDay: number
  /** Whether there are series or models that were not there before. */
  readonly hasNewSeries: boolean
  /** When it used each key, in milliseconds. */
  readonly lastUses: ReadonlyMap<string, number>
}
