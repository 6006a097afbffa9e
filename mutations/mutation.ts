/** One mistake that somebody might make, and the tests that must notice. */
export interface Mutation {
  /** What goes wrong then. */
  readonly what: string
  /** From the root of the project. */
  readonly file: string
  /** Stands there exactly once. */
  readonly text: string
  readonly instead: string
  /** Files of tests of which at least one must fail. */
  readonly tests: readonly string[]
  /** Only the tests with this in their names: large files take minutes. */
  readonly only?: string
}
