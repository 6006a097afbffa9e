/** Shows how full limits are, as lines with bars and as columns. */

import { denyingLimits } from '../../contract/denial.ts'
import { fractionUsed } from '../../contract/views/limits.ts'
import type { LimitForecast, LimitState } from '../../contract/views.ts'
import type { Brush } from '../declare/brush.ts'
import type { Column } from '../declare/column.ts'
import { fold, padded, widest } from '../terminal/width.ts'
import { bar } from './chart.ts'
import { limitNameText, windowText } from './columns.ts'

/**
 * A line for each limit: what is used, what is left, and how full it is as a number and a bar; below it, when more
 * becomes free. If that is too wide, everything goes below the name.
 */
export function limitLines(limits: readonly (LimitState | LimitForecast)[], brush: Brush): readonly string[] {
  const rows = limits.map(limit => {
    const quantity = quantityOf(limit, brush)
    const name = limitName(limit, brush)
    if (!isOfSomebody(limit)) return [name, quantity(limit.amount), '', ''] as const
    return [
      name,
      `${quantity(limit.used)} of ${quantity(limit.amount)}`,
      `${quantity(limit.remaining)} left`,
      percentUsed(limit),
    ] as const
  })
  const widths = [0, 1, 2, 3].map(at => widest(rows.map(row => row[at] ?? '')))
  const together = widths.reduce((sum, each) => sum + each + 2, -2)
  const isWide = together <= brush.width
  return limits.flatMap((limit, index) => {
    const [name = '', used = '', left = '', percent = ''] = rows[index] ?? []
    const paint = paintOf(limit, brush)
    const picture = fullness(limit, brush.width - (isWide ? together : 2 + percent.length) - 2, brush)
    const indent = isWide ? (widths[0] ?? 0) + 2 : 2
    const later = fold(laterText(limit, brush), brush.width - indent).map(line => ' '.repeat(indent) + line)
    if (!isWide) {
      const below = [used, left && paint(left), `${percent}${picture}`].filter(line => line !== '')
      return [name, ...below.map(line => `  ${line}`), ...later]
    }
    const columns = [
      padded(name, widths[0] ?? 0),
      used.padStart(widths[1] ?? 0),
      paint(left.padStart(widths[2] ?? 0)),
      percent.padStart(widths[3] ?? 0) + picture,
    ]
    return [columns.join('  ').trimEnd(), ...later]
  })
}

/** `Hit: tokens/5h of user alice`, the last to free first. */
export const hitLines = (code: string, limits: readonly LimitState[], brush: Brush): readonly string[] =>
  (code === 'limit_exceeded' ? denyingLimits(limits) : []).map(
    limit => `Hit: ${limitNameText(limit, brush)} of ${subjectText(limit)}`,
  )

export const limitColumns: readonly Column<LimitState>[] = [
  { title: 'metric', cell: limit => limit.metric, whole: true },
  {
    title: 'window',
    cell: (limit, brush) => windowText(limit, brush).replace(/^ (?:\/ )?/, ''),
    whole: true,
  },
  { title: 'amount', cell: (limit, brush) => quantityOf(limit, brush)(limit.amount), align: 'right' },
  {
    title: 'used',
    cell: (limit, brush) => (isOfSomebody(limit) ? quantityOf(limit, brush)(limit.used) : ''),
    align: 'right',
  },
  {
    title: 'left',
    cell: (limit, brush) =>
      isOfSomebody(limit) ? paintOf(limit, brush)(quantityOf(limit, brush)(limit.remaining)) : '',
    align: 'right',
  },
  { title: 'full', cell: limit => (isOfSomebody(limit) ? percentUsed(limit) : ''), align: 'right' },
  { bar: fractionUsed, full: 1 },
  { title: 'of', cell: limit => subjectText(limit) },
  {
    title: 'more',
    cell: (limit, brush) => (limit.exceeded ? brush.ago(limit.retryAt) : ''),
    whole: true,
    hideEmpty: true,
  },
]

/** How much of a limit for each end user is used depends on whom. */
const isOfSomebody = ({ each, endUser }: LimitState): boolean => !each || endUser !== null

const quantityOf = ({ metric }: LimitState, brush: Brush) => (metric === 'usd' ? brush.dollars : brush.count)

/** Never 100% if something is left, or 0% if something is used. From 1,000% on the exact value does not matter. */
export function percentUsed(limit: LimitState): string {
  const percent = Math.floor(fractionUsed(limit) * 100)
  if (percent > 999) return '>999%'
  return percent === 0 && limit.used > 0 ? '<1%' : `${percent}%`
}

const paintOf = (limit: LimitState, brush: Brush) =>
  limit.exceeded ? brush.bad : fractionUsed(limit) >= 0.8 ? brush.warn : brush.good

/** `  ████▌` in the given room; empty if there is too little, or without pictures. */
function fullness(limit: LimitState, room: number, brush: Brush): string {
  const width = Math.min(20, room)
  if (!brush.pictures || width < 4 || !isOfSomebody(limit)) return ''
  const drawn = bar(fractionUsed(limit), width, brush.unicode).trimEnd()
  return drawn === '' ? '' : `  ${paintOf(limit, brush)(drawn)}`
}

/** When more becomes free: `12,300 free at 14:05, all of it at 16:40`. Empty if there is no forecast and the limit is not exceeded. */
function laterText(limit: LimitState | LimitForecast, brush: Brush): string {
  if ('frees' in limit && limit.frees.length > 0) {
    const steps = limit.frees.map(({ at, remaining }) =>
      remaining === limit.amount
        ? `all of it at ${soon(at, brush)}`
        : `${quantityOf(limit, brush)(remaining)} free at ${soon(at, brush)}`,
    )
    return steps.join(', ')
  }
  if (!limit.exceeded) return ''
  return limit.retryAt === null ? 'never allows this' : `more at ${soon(limit.retryAt, brush)}`
}

/** A moment, without its date if that is today. */
function soon(moment: Date, brush: Brush): string {
  const [day = '', time = ''] = brush.time(moment).split(' ')
  return day === brush.time(brush.now).slice(0, day.length) ? time : `${day} ${time}`
}

/** `project shop`, or `bob in project shop`. */
const subjectText = ({ subject: { type, name, member } }: LimitState): string =>
  `${member === null ? '' : `${member.username} in `}${type} ${name}`

/** `tokens / 5h`, and whose it is unless it is the key's own. */
function limitName(limit: LimitState, brush: Brush): string {
  const { metric, subject } = limit
  return `${metric}${windowText(limit, brush)}${subject.type === 'key' ? '' : ` of ${subjectText(limit)}`}`
}
