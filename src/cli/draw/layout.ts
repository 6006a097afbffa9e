/**
 * Decides how a table fills a width: what is cut, how long bars are, and when rows become cards. Never cuts text that
 * people copy from a table, and never draws control characters.
 */

import type { Brush } from '../declare/brush.ts'
import type { Column, Total } from '../declare/column.ts'
import { harmless, oneLine } from '../terminal/printable.ts'
import { cut, isToken, widest, widthOf } from '../terminal/width.ts'
import { labelled } from './card.ts'
import { bar } from './chart.ts'

/** A column with its final width. No cell is wider. */
export interface Placed {
  readonly cells: readonly string[]
  readonly width: number
  readonly align: 'left' | 'right'
}

/** Between columns. */
export const gap = '  '

/**
 * Columns below upper-case titles. If they are too wide, spare columns are left out. Then texts are cut with `…`, those
 * of low importance first, but never quantities, times, names, ids or secrets. Then the last spare columns are left
 * out. If even that is not enough, each row becomes a card with its full text.
 */
export function layOut<Row>(
  columns: readonly Column<Row>[],
  given: readonly Row[],
  brush: Brush,
  total?: Total<Row>,
): readonly Placed[] | string {
  const rows = harmless(given)
  const found = columns
    .map(column => ('bar' in column ? barsOf(column, rows) : textsOf(column, rows, brush, total)))
    .filter(column => !('cells' in column && column.isHidden))
  const all = total === undefined ? found : labelTotal(found, brush.bold(total.label.toUpperCase()))
  const texts = all.filter(column => 'cells' in column)
  const isTooWide = sumOf(naturalWidths(texts)) > brush.width
  const placed = withRoom(isTooWide ? texts.filter(({ spare }) => spare !== true) : texts, brush.width)
  const widths = fit(placed, brush.width)
  if (widths === undefined) return cards(texts, brush)
  const room = Math.min(longestBar, brush.width - sumOf(widths) - gap.length)
  const ellipsis = brush.unicode ? '…' : '~'
  const remaining = [...widths]
  return all.flatMap((column): readonly Placed[] => {
    if ('cells' in column) {
      if (!placed.includes(column)) return []
      const width = remaining.shift() ?? 0
      const title = brush.bold(column.title.toUpperCase())
      const cells = [title, ...column.cells.map(cell => cut(cell, width, ellipsis))]
      return [{ cells, width, align: column.align }]
    }
    if (!brush.pictures || room < shortestBar) return []
    const bars = column.fractions.map(fraction => bar(fraction, room, brush.unicode))
    return [{ cells: ['', ...bars], width: room, align: 'left' }]
  })
}

const longestBar = 24
const shortestBar = 4

interface Texts {
  readonly title: string
  readonly cells: readonly string[]
  readonly align: 'left' | 'right'
  readonly isWhole: boolean
  readonly importance: 'low' | 'high' | undefined
  readonly isHidden: boolean
  readonly spare: true | 'last' | undefined
}

function textsOf<Row>(
  column: Exclude<Column<Row>, { readonly bar: unknown }>,
  rows: readonly Row[],
  brush: Brush,
  total: Total<Row> | undefined,
): Texts {
  const { title, hideEmpty } = column
  const isTime = 'time' in column
  const cells = rows.map(row =>
    isTime ? brush.ago(column.time(row), column.absent) : oneLine(column.cell(row, brush, rows)),
  )
  const declared = isTime ? 'left' : (column.align ?? 'left')
  const align = declared === 'left' ? 'left' : 'right'
  const isQuantity = !isTime && align === 'right'
  const sum = isQuantity && total ? brush.bold(oneLine(column.cell(total.row, brush, rows))) : ''
  const all = total === undefined ? cells : [...cells, sum]
  return {
    title,
    cells: declared === 'point' ? pointsBelow(all) : all,
    align,
    isWhole: isTime || align === 'right' || column.whole === true || cells.some(isToken),
    importance: isTime ? undefined : column.importance,
    isHidden: hideEmpty === true && cells.every(cell => cell === ''),
    spare: column.spare,
  }
}

/** The label goes into the column of names. Without one there is no line for it. */
function labelTotal(columns: readonly (Texts | Bars)[], label: string): readonly (Texts | Bars)[] {
  const at = columns.findIndex(column => 'cells' in column && column.align === 'left')
  return columns.map((column, index) => {
    if (!('cells' in column)) return column
    if (at < 0) return { ...column, cells: column.cells.slice(0, -1) }
    return index === at ? { ...column, cells: [...column.cells.slice(0, -1), label] } : column
  })
}

/** Adds blanks behind numbers, so that their decimal points are aligned when they are right-aligned. */
function pointsBelow(cells: readonly string[]): readonly string[] {
  const decimals = cells.map(cell => /\.\d+/.exec(Bun.stripANSI(cell))?.[0].length ?? 0)
  const most = decimals.reduce((largest, each) => Math.max(largest, each), 0)
  return cells.map((cell, index) => (cell === '' ? '' : cell + ' '.repeat(most - (decimals[index] ?? 0))))
}

interface Bars {
  readonly fractions: readonly number[]
}

function barsOf<Row>(column: Extract<Column<Row>, { readonly bar: unknown }>, rows: readonly Row[]): Bars {
  const sizes = rows.map(column.bar)
  const full = column.full ?? sizes.reduce((most, size) => Math.max(most, size), 0)
  return { fractions: sizes.map(size => (full === 0 ? 0 : size / full)) }
}

/** Leaves out as many of the last spare columns as necessary. Keeps all if even that is not enough. */
function withRoom(columns: readonly Texts[], available: number): readonly Texts[] {
  let left = columns
  while (fit(left, available) === undefined) {
    const spare = left.find(column => column.spare === 'last')
    if (spare === undefined) return columns
    left = left.filter(column => column !== spare)
  }
  return left
}

/** The width of each column so that all fit; undefined if they cannot. */
function fit(columns: readonly Texts[], available: number): readonly number[] | undefined {
  const natural = naturalWidths(columns)
  const least = columns.map(({ title, isWhole }, index) => {
    const width = natural[index] ?? 0
    return isWhole ? width : Math.min(width, Math.max(shortest, widthOf(title)))
  })
  if (sumOf(least) > available) return undefined
  const widths = natural.map((width, index) => Math.min(width, Math.max(least[index] ?? 0, available)))
  for (const importance of ['low', undefined, 'high'] as const) {
    const tier = columns.flatMap((column, index) => (column.importance === importance ? [index] : []))
    while (sumOf(widths) > available) {
      const longer = tier.filter(index => (widths[index] ?? 0) > (least[index] ?? 0))
      const most = longer.reduce((found, index) => Math.max(found, widths[index] ?? 0), 0)
      const widest = longer.find(index => widths[index] === most)
      if (widest === undefined) break
      widths[widest] = most - 1
    }
  }
  return widths
}

/** The width that cuts nothing. */
const naturalWidths = (columns: readonly Texts[]): readonly number[] =>
  columns.map(({ title, cells }) => widest([title, ...cells]))

const sumOf = (widths: readonly number[]): number =>
  widths.reduce((sum, each) => sum + each + gap.length, -gap.length)

/** A shorter text would not be recognizable. */
const shortest = 8

/** A block of labelled lines for each row, without empty values. */
function cards(columns: readonly Texts[], brush: Brush): string {
  const width = widest(columns.map(({ title }) => title))
  const lines = (row: number): readonly string[] =>
    columns.flatMap(({ title, cells }, index) => {
      const cell = (cells[row] ?? '').trimEnd()
      return cell === '' ? [] : labelled(title, width, [index === 0 ? brush.bold(cell) : cell], brush)
    })
  return (columns[0]?.cells ?? []).map((_, row) => lines(row).join('\n')).join('\n\n')
}
