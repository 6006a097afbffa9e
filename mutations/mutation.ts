/** A mistake that somebody might make, and the tests that must notice. */
export interface Mutation {
  /** What goes wrong. */
  readonly what: string
  /** The file, from the root of the project. */
  readonly file: string
  /** Must be in the file exactly once. */
  readonly text: string
  readonly instead: string
  /** Test files. At least one must fail. */
  readonly tests: readonly string[]
  /** The tests have their data on a PostgreSQL server. */
  readonly engine?: 'postgres'
  /** Runs only the tests whose names contain this, because large files take minutes. */
  readonly only?: string
}
