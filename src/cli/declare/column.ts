/** How rows are laid out for people. Says what a cell holds, never how a table is drawn. */
import type { Brush } from './brush.ts'

/** Rows and how they are drawn; `listing()` makes one. */
export interface Listing {
  readonly columns: readonly Column<unknown>[]
  readonly rows: readonly unknown[]
}

export const listing = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Listing => ({
  columns: columns as readonly Column<unknown>[],
  rows,
})

/** A column of a table: what one row has there, as text, as a moment or as a bar. */
export type Column<Row> = TextColumn<Row> | TimeColumn<Row> | BarColumn<Row>

interface TitledColumn {
  readonly title: string
  /** Drawn by `-o wide` alone. */
  readonly wide?: boolean
  /** Left out of the table when it is empty in every row. */
  readonly hideEmpty?: boolean
  /**
   * Left out where the table would be too wide with it: before any text is cut, or with `last` when that is not enough.
   * `-o wide` has it, and so have cards.
   */
  readonly spare?: true | 'last'
}

interface TextColumn<Row> extends TitledColumn {
  /** `rows` are all of the table, for what depends on the others. */
  readonly cell: (row: Row, brush: Brush, rows: readonly Row[]) => string
  /** Quantities stand right, and are never cut. */
  /** `point`: the same, with the points of decimals below one another. */
  readonly align?: 'left' | 'right' | 'point'
  /** Never cut either: a name that is typed next, a status, what would say something else without its end. */
  readonly whole?: true
  /** On a narrow terminal the texts of low importance are cut first, those of high importance last. */
  readonly importance?: 'low' | 'high'
}

/** `3 days ago` in a table on a terminal, exact anywhere else. */
interface TimeColumn<Row> extends TitledColumn {
  readonly time: (row: Row) => Date | null
  /** What there is in place of no time; `never` when not given. */
  readonly absent?: string
}

/**
 * A bar beside the number that it draws: in the room that the other columns leave, and left out where that is too
 * little.
 */
interface BarColumn<Row> {
  readonly bar: (row: Row) => number
  /** What a full bar stands for; the largest of all rows when not given. */
  readonly full?: number
  readonly wide?: boolean
}

/** A line below a table: its quantities are those of the row, and the label stands where a name would. */
export interface Total<Row> {
  readonly label: string
  readonly row: Row
}
