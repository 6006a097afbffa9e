/** The mark of one import. */

/** Where a plan is applied: in which import, at what time. */
export interface Stamp {
  readonly source: string
  readonly importId: string
  readonly now: Date
}
