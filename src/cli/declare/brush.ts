/** What declarations can use to draw for people: colour, width and time. Decided once per run. */
export interface Brush {
  /** Columns that may be used; Infinity if nothing is cut, off a terminal or with `-o wide`. */
  readonly width: number
  /** Whether to draw bars and sparklines: on a terminal, unless `--chart` says otherwise. */
  readonly pictures: boolean
  /** Whether non-ASCII characters can be shown. */
  readonly unicode: boolean
  readonly timeZone: string
  readonly now: Date
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
  /** Local time, `2026-11-20 04:11`; for null `never` or the given text. */
  readonly time: (moment: Date | null, absent?: string) => string
  /** A short form: `3 days ago` in a table on a terminal, exact anywhere else. */
  readonly ago: (moment: Date | null, absent?: string) => string
  /** The long form: `2026-11-20 04:11 (3 days ago)` on a terminal, exact anywhere else. */
  readonly dated: (moment: Date | null, absent?: string) => string
  /** A whole number with thousands separators. */
  readonly count: (value: number) => string
  /** Bytes as `1.2 MiB`. */
  readonly bytes: (value: number) => string
  /** Dollars as `$1.25`, with more digits for small amounts. */
  readonly dollars: (value: number) => string
  /** Milliseconds as `5h`, `1h30m`. */
  readonly duration: (milliseconds: number) => string
}
