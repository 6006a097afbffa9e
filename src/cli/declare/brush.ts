/** What a declaration may use to draw for people: colour, width and time, decided once per run. */
export interface Brush {
  /** Columns that may be filled; Infinity where nothing is cut: off a terminal, and where all was asked for. */
  readonly width: number
  /** Whether bars and sparklines are drawn: on a terminal, unless `--chart` says otherwise. */
  readonly pictures: boolean
  /** Whether characters beyond ASCII can be shown. */
  readonly unicode: boolean
  readonly timeZone: string
  readonly now: Date
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly warn: (text: string) => string
  readonly bad: (text: string) => string
  /** A moment as local time, `2026-11-20 04:11`; `never` or what is given for null. */
  readonly time: (moment: Date | null, absent?: string) => string
  /** The same for a glance: `3 days ago` in a table on a terminal, exact anywhere else. */
  readonly ago: (moment: Date | null, absent?: string) => string
  /** Both, for one thing looked at closely: `2026-11-20 04:11 (3 days ago)` on a terminal, exact anywhere else. */
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
