/**
 * The brush and the table. The only importer of cli-table3 and chalk, which are loaded when something is drawn. Not for
 * formats that programs read.
 */

import { bytes, count, dollars } from '../../text/quantity.ts'
import type { Brush } from '../declare/brush.ts'
import type { Column, Total } from '../declare/column.ts'
import { formatDuration } from '../declare/times.ts'
import { widthOf } from '../terminal/width.ts'
import { gap, layOut, type Placed } from './layout.ts'
import { relativeTime } from './relative.ts'

/** The abilities of the screen, and what the user asked for. */
export interface BrushOptions {
  readonly color: boolean
  /** Columns that may be filled; undefined if nothing is cut. */
  readonly width: number | undefined
  readonly unicode: boolean
  readonly pictures: boolean
  /** Whether times are relative. */
  readonly relative: boolean
  readonly timeZone: string
  readonly now: Date
}

export async function createBrush(options: BrushOptions): Promise<Brush> {
  const { color, width = Number.POSITIVE_INFINITY, unicode, pictures, relative, timeZone, now } = options
  const paint = color ? await paints() : plain
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  const time: Brush['time'] = (moment, absent = 'never') => (moment === null ? absent : clock.format(moment))
  const ago: Brush['ago'] = (moment, absent) =>
    moment === null || !relative ? time(moment, absent) : relativeTime(moment, now)
  return {
    ...paint,
    width: Math.max(narrowest, width),
    pictures,
    unicode,
    timeZone,
    now,
    time,
    ago,
    dated: (moment, absent) =>
      moment === null || !relative ? time(moment, absent) : `${time(moment)} (${relativeTime(moment, now)})`,
    count,
    bytes,
    dollars,
    duration: formatDuration,
  }
}

/** Narrower is not worth drawing. The terminal folds what it cannot show. */
const narrowest = 20

/** Rows and their total as a table without borders and trailing blanks, or as cards if it would be too wide. */
export async function drawTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  brush: Brush,
  total?: Total<Row>,
): Promise<string> {
  const laidOut = layOut(columns, rows, brush, total)
  return typeof laidOut === 'string' ? laidOut : drawColumns(laidOut)
}

/** cli-table3 compares every cell with every other, so 50,000 rows at once take minutes. */
const block = 50

async function drawColumns(columns: readonly Placed[]): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const lines = (columns[0]?.cells ?? []).map((_, line) => columns.map(({ cells }) => cells[line] ?? ''))
  const outlines = lines.map(cells => cells.map(standIn))
  // Rows whose cells have the same widths look alike, so each layout is drawn once. There are few.
  const ways = [...new Map(outlines.map(outline => [outline.join(' '), outline])).entries()]
  const drawn = new Map<string, string>()
  for (let start = 0; start < ways.length; start += block) {
    const part = ways.slice(start, start + block)
    const table = new Table({
      chars: borderless,
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
      colAligns: columns.map(({ align }) => align),
      colWidths: columns.map(({ width }) => width),
    })
    table.push(...part.map(([, outline]) => [...outline]))
    const text = table.toString().split('\n')
    for (const [index, [way]] of part.entries()) drawn.set(way, text[index] ?? '')
  }
  return lines
    .map((cells, line) => {
      const shown = cells.filter(cell => widthOf(cell) > 0)
      const way = drawn.get(outlines[line]?.join(' ') ?? '') ?? ''
      return trimEnd(way.replaceAll(standIns, () => shown.shift() ?? ''))
    })
    .join('\n')
}

/**
 * cli-table3 measures text by an older Unicode than Bun and terminals. So it gets placeholders of the right width,
 * which are replaced by the text afterwards. Both characters are from the private use area.
 */
const standIn = (text: string): string => {
  const width = widthOf(text)
  return width === 0 ? '' : `\ue000${'\ue001'.repeat(width - 1)}`
}
const standIns = /\ue000\ue001*/g

/** Blanks at the end of a line, also inside the last colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with an escape
const trimEnd = (line: string): string => line.replace(/ +((?:\x1b\[[0-9;]*m)*)$/, '$1')

const edges = ['top', 'bottom', 'left', 'mid', 'right']
const corners = ['top', 'bottom'].flatMap(edge => [`${edge}-mid`, `${edge}-left`, `${edge}-right`])
const borders = [...edges, ...corners, 'left-mid', 'mid-mid', 'right-mid']
const borderless = { ...Object.fromEntries(borders.map(name => [name, ''])), middle: gap }

type Paint = Pick<Brush, 'bold' | 'dim' | 'good' | 'warn' | 'bad'>

const same = (text: string): string => text
const plain: Paint = { bold: same, dim: same, good: same, warn: same, bad: same }

async function paints(): Promise<Paint> {
  const { Chalk } = await import('chalk')
  const { bold, dim, green, yellow, red } = new Chalk({ level: 1 })
  return { bold, dim, good: green, warn: yellow, bad: red }
}
