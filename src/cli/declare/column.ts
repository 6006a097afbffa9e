/** How rows are laid out for people: what cells contain, not how a table is drawn. */
import type { Brush } from './brush.ts'

/** Rows and how they are drawn; created by `listing()`. */
export interface Listing {
  readonly columns: readonly Column<unknown>[]
  readonly rows: readonly unknown[]
}

export const listing = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Listing => ({
  columns: columns as readonly Column<unknown>[],
  rows,
})

/** A column of a table. Its cells are text, times or bars. */
export type Column<Row> = TextColumn<Row> | TimeColumn<Row> | BarColumn<Row>

interface TitledColumn {
  readonly title: string
  /** Only shown with `-o wide`. */
  readonly wide?: boolean
  /** Left out of the table if it is empty in every row. */
  readonly hideEmpty?: boolean
  /**
   * May be left out if the table is too wide: before any text is cut, or with `last` only after that. Cards and `-o
   * wide` always have it.
   */
  readonly spare?: true | 'last'
}

interface TextColumn<Row> extends TitledColumn {
  /** @param rows all rows of the table, for cells that depend on others */
  readonly cell: (row: Row, brush: Brush, rows: readonly Row[]) => string
  /** Quantities are right-aligned and never cut; with `point` also aligned at the decimal point. */
  readonly align?: 'left' | 'right' | 'point'
  /** Never cut: names that are typed next, statuses, and text that would be misleading without its end. */
  readonly whole?: true
  /** On a narrow terminal, texts of low importance are cut first and those of high importance last. */
  readonly importance?: 'low' | 'high'
}

/** `3 days ago` in a table on a terminal, exact anywhere else. */
interface TimeColumn<Row> extends TitledColumn {
  readonly time: (row: Row) => Date | null
  /** Shown if there is no time. Default: `never`. */
  readonly absent?: string
}

/** A bar next to the number that it shows. It uses the room that other columns leave, and is left out if that is too little. */
interface BarColumn<Row> {
  readonly bar: (row: Row) => number
  /** The value of a full bar. Default: the largest of all rows. */
  readonly full?: number
  readonly wide?: boolean
}

/** A line below a table, with the quantities of a row and a label in place of a name. */
export interface Total<Row> {
  readonly label: string
  readonly row: Row
}
