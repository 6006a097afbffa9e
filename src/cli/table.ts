/**
 * Draws for people: the brush and the table. The only importer of cli-table3 and chalk, both loaded when
 * something is drawn; must never be used for a format that programs read.
 */
import type { Brush } from './brush.ts'
import type { Column } from './define.ts'
import { formatDuration } from './parse.ts'
import { printableLine } from './printable.ts'
import { bytes, count, dollars } from './quantity.ts'

export interface BrushOptions {
  readonly terminal: boolean
  readonly color: boolean
  /** Columns of the terminal; ignored off one. */
  readonly width: number | undefined
  readonly unicode: boolean
  readonly timeZone: string
  readonly now: Date
}

export async function createBrush(options: BrushOptions): Promise<Brush> {
  const { terminal, color, width, unicode, timeZone, now } = options
  const paint = color ? await paints() : plain
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  return {
    ...paint,
    width: terminal ? (width ?? 80) : Number.POSITIVE_INFINITY,
    pictures: terminal,
    unicode,
    timeZone,
    now,
    time: (moment, absent = 'never') => (moment === null ? absent : clock.format(moment)),
    count,
    bytes,
    dollars,
    duration: formatDuration,
  }
}

/**
 * Rows under upper-case titles, two blanks between columns, no borders and no trailing blanks. Too wide for
 * the brush, the widest columns are cut with `…`; columns of ids and secrets never are, so they can be copied.
 */
export async function drawTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  brush: Brush,
): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const drawn = columns.map(column => rows.map(row => printableLine(column.cell(row, brush, rows))))
  const kept = columns.flatMap((column, index) => {
    const cells = drawn[index] ?? []
    return column.hideEmpty && cells.every(cell => cell === '') ? [] : [{ column, cells }]
  })
  const titles = kept.map(({ column }) => column.title.toUpperCase())
  const widths = fit(
    kept.map(({ cells }, index) =>
      cells.reduce((most, cell) => Math.max(most, width(cell)), width(titles[index] ?? '')),
    ),
    kept.map(({ cells }) => cells.some(cell => uncuttable.test(cell))),
    brush.width,
  )
  const ellipsis = brush.unicode ? '…' : '~'
  const cut = (cell: string, index: number): string => {
    const most = widths[index] ?? 0
    return width(cell) <= most ? cell : Bun.sliceAnsi(cell, 0, most, ellipsis)
  }
  const lines = [
    titles.map(cut).map(title => brush.bold(title)),
    ...rows.map((_, row) => kept.map(({ cells }, index) => cut(cells[row] ?? '', index))),
  ]

  // cli-table3 compares every cell with every other: 50,000 rows at once take it minutes.
  const blocks: string[] = []
  for (let start = 0; start < lines.length; start += block) {
    const table = new Table({
      chars: borderless,
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
      colAligns: kept.map(({ column }) => column.align ?? 'left'),
      colWidths: [...widths],
    })
    table.push(...lines.slice(start, start + block))
    blocks.push(table.toString())
  }
  return blocks.join('\n').split('\n').map(trimEnd).join('\n')
}

const block = 50
const gap = '  '
const narrowest = 6
const width = (text: string): number => Bun.stringWidth(text)
/** An id or a secret, which is of no use in part and may not be shown again. */
const uncuttable = /^[A-Za-z0-9-]+[_-][0-9A-Za-z]{20,}$/

/** Blanks at the end of a line, also those inside of the last colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with an escape
const trimEnd = (line: string): string => line.replace(/ +((?:\x1b\[[0-9;]*m)*)$/, '$1')

function fit(natural: readonly number[], uncut: readonly boolean[], available: number): readonly number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1) - available
  while (excess > 0) {
    let widest = -1
    for (const [index, each] of widths.entries()) {
      if (uncut[index] || each <= narrowest) continue
      if (widest === -1 || each > (widths[widest] ?? 0)) widest = index
    }
    if (widest === -1) return widths
    widths[widest] = (widths[widest] ?? 0) - 1
    excess--
  }
  return widths
}

const borderless = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: gap,
}

type Paint = Pick<Brush, 'bold' | 'dim' | 'good' | 'warn' | 'bad'>

const same = (text: string): string => text
const plain: Paint = { bold: same, dim: same, good: same, warn: same, bad: same }

async function paints(): Promise<Paint> {
  const { Chalk } = await import('chalk')
  const { bold, dim, green, yellow, red } = new Chalk({ level: 1 })
  return { bold, dim, good: green, warn: yellow, bad: red }
}
