/** How to print a result. */
import type { Format } from '../settings/config.ts'

export interface Presentation {
  readonly format: Format
  /** Top-level fields in the order of printing. Default: all of them. */
  readonly fields?: readonly string[] | undefined
  /** The command line of a pager, for output that is longer than the screen. */
  readonly pager?: string | undefined
  /** Adapts the command lines in a text for people to the one that was typed. */
  readonly again?: (text: string) => string
  readonly dryRun: boolean
  /** Whether CSV cells are written unchanged, without protection against formulas in spreadsheets. */
  readonly csvVerbatim: boolean
}
