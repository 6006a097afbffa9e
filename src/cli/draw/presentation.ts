/** How a result is wanted. */
import type { Format } from '../settings/config.ts'

export interface Presentation {
  readonly format: Format
  /** Top-level fields in the order in which they are printed; all of them when not given. */
  readonly fields?: readonly string[] | undefined
  /** The command line of a pager, for what is longer than the screen. */
  readonly pager?: string | undefined
  /** Makes the command lines in a text for people fit the one that was typed. */
  readonly again?: (text: string) => string
  readonly dryRun: boolean
  /** Whether cells of CSV are written as they are. */
  readonly csvVerbatim: boolean
}
