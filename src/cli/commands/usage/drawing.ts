/** Shows usage and its cost: days as bars, counts as columns. Also shows what compacting and importing did. */

import { subjectOf } from '../../../contract/views/usage.ts'
import { periods, reportSubjects } from '../../../contract/views/words.ts'
import type {
  Compacted,
  Denial,
  IngestReport,
  Recorded,
  ReportGroup,
  ReportOrder,
  Stats,
  Totals,
  UsageCheck,
  UsagePoint,
  UsageRow,
} from '../../../contract/views.ts'
import { many } from '../../../text/quantity.ts'
import type { Brush } from '../../declare/brush.ts'
import type { Column, Total } from '../../declare/column.ts'
import { bar } from '../../draw/chart.ts'
import { keyStatus, reference } from '../../draw/columns.ts'
import { limitLines } from '../../draw/limits.ts'
import { sumOf } from '../../draw/totals.ts'
import { fold } from '../../terminal/width.ts'

/** The key and its totals, how full its limits are, and its days. */
export const statsLines = ({ key, totals, limits, series, denials }: Stats, brush: Brush): string =>
  [
    ...fold(`${brush.bold(key.name)} (${key.id})  ${keyStatus(key.status, brush)}`, brush.width),
    ...fold(totalsLine(totals, brush), brush.width),
    '',
    ...(limits.length === 0 ? ['No limits'] : limitLines(limits, brush)),
    ...denialLines(denials, brush),
    '',
    ...dayBars(series, brush),
  ].join('\n')

/** `Denied: 12 limit_exceeded, last 2 minutes ago`, below an empty line. Empty if the key was never denied. */
export const denialLines = (denials: readonly Denial[], brush: Brush): readonly string[] =>
  denials.length === 0
    ? []
    : [
        '',
        ...denials.flatMap(({ code, count, lastAt }) =>
          fold(`Denied: ${brush.count(count)} ${code}, last ${brush.ago(lastAt)}`, brush.width),
        ),
      ]

/** `12 requests, 3,400 tokens (3,000 in, 1,200 of it cached, 400 out), $0.12` */
function totalsLine(totals: Totals, brush: Brush): string {
  const part = (tokens: number, name: string): readonly string[] =>
    tokens === 0 ? [] : [`${brush.count(tokens)} ${name}`]
  const split = [
    `${brush.count(totals.inputTokens)} in`,
    ...part(totals.cachedInputTokens, 'of it cached'),
    ...part(totals.cacheWriteTokens, 'of it written to a cache'),
    `${brush.count(totals.outputTokens)} out`,
    ...part(totals.reasoningTokens, 'of it reasoning'),
  ]
  const shown = totals.inputTokens + totals.outputTokens > 0 ? ` (${split.join(', ')})` : ''
  return `${many(totals.requests, 'request')}, ${many(totals.tokens, 'token')}${shown}, ${costText(totals, brush)}`
}

/** `$0.12, no price for 3 requests`: a cost that is not known is never shown as none. */
function costText({ costUsd, unpricedRequests }: Totals, brush: Brush): string {
  const unpriced = `no price for ${many(unpricedRequests, 'request')}`
  if (unpricedRequests === 0) return brush.dollars(costUsd)
  return costUsd === 0 ? brush.warn(unpriced) : `${brush.dollars(costUsd)}, ${brush.warn(unpriced)}`
}

/** `12 tokens and $0.0004 for ci` */
export const recordedText = (recorded: Recorded, brush: Brush): string => {
  const tokens = many(recorded.tokens, 'token')
  if (recorded.unpricedRequests === 0)
    return `${tokens} and ${brush.dollars(recorded.costUsd)} for ${recorded.key.name}`
  const why = recorded.model === null ? 'without a model there is' : `${recorded.model} has`
  return `${tokens} for ${recorded.key.name}; ${brush.warn(`${why} no price, so no cost was counted`)}`
}

/** A bar for each day, after its number. */
function dayBars(series: readonly UsagePoint[], brush: Brush): readonly string[] {
  const most = Math.max(1, ...series.map(point => point.tokens))
  const widest = Math.max(1, ...series.map(point => brush.count(point.tokens).length))
  return series.map(point => {
    const day = brush.time(point.start).slice(0, 10)
    const unit = point.tokens === 1 ? 'token ' : 'tokens'
    const number = `${day}  ${brush.count(point.tokens).padStart(widest)} ${unit}`
    const room = Math.min(40, brush.width - number.length - 2)
    const picture = brush.pictures && room >= 4 ? `  ${bar(point.tokens / most, room, brush.unicode)}` : ''
    return `${number}${picture}`.trimEnd()
  })
}

/** The columns of the groups, then the amounts. The amount that rows are sorted by comes last, with its bar. */
export function reportColumns(
  by: readonly ReportGroup[],
  sort: ReportOrder = 'tokens',
): readonly Column<UsageRow>[] {
  const groups = reportSubjects.filter(name => by.includes(name))
  const times = periods.filter(name => by.includes(name))
  const last = amounts.toSorted((a, b) => Number(a === sort) - Number(b === sort))
  return [
    ...times.map(
      (title): Column<UsageRow> => ({
        title,
        cell: title === 'month' ? monthOfRow : startOfRow,
        whole: true,
      }),
    ),
    ...groups.map(
      (title, index): Column<UsageRow> => ({
        title,
        cell: (row, brush) => {
          const subject = subjectOf(row, title)
          if (subject === null) return brush.dim(`(no ${title})`)
          return typeof subject === 'string' ? subject : reference(subject)
        },
        ...(index === 0 ? { importance: 'high' } : {}),
        ...(title === 'key' ? { whole: true } : {}),
      }),
    ),
    ...last.flatMap(amount => amountColumns[amount]),
    { bar: row => ({ tokens: row.tokens, requests: row.requests, cost: row.costUsd })[sort] },
  ]
}

const amounts = ['requests', 'input', 'output', 'cost', 'tokens'] as const

/** A class of tokens, or requests without a price: left out where there are none. */
const rareColumn = (title: string, field: keyof Totals): Column<UsageRow> => ({
  title,
  cell: (row, brush) => (row[field] === 0 ? '' : brush.count(row[field])),
  align: 'right',
  hideEmpty: true,
  wide: field !== 'unpricedRequests',
})

const amountColumns: Readonly<Record<(typeof amounts)[number], readonly Column<UsageRow>[]>> = {
  requests: [{ title: 'requests', cell: (row, brush) => brush.count(row.requests), align: 'right' }],
  input: [
    { title: 'input', cell: (row, brush) => brush.count(row.inputTokens), align: 'right', spare: true },
    rareColumn('cached', 'cachedInputTokens'),
    rareColumn('cache write', 'cacheWriteTokens'),
  ],
  output: [
    { title: 'output', cell: (row, brush) => brush.count(row.outputTokens), align: 'right', spare: true },
    rareColumn('reasoning', 'reasoningTokens'),
    rareColumn('other', 'otherTokens'),
  ],
  cost: [
    rareColumn('no price', 'unpricedRequests'),
    {
      title: 'cost',
      cell: (row, brush) =>
        row.costUsd === 0 && row.unpricedRequests > 0 ? 'no price' : brush.dollars(row.costUsd),
      align: 'point',
    },
  ],
  tokens: [{ title: 'tokens', cell: (row, brush) => brush.count(row.tokens), align: 'right' }],
}

/**
 * The sum of all rows. With `top`, its label says that only the largest are included. Rows of teams do not add up to what was
 * used, so they have none.
 */
export function reportTotal(
  rows: readonly UsageRow[],
  by: readonly ReportGroup[],
  top: number | undefined,
): Total<UsageRow> | undefined {
  const [first] = rows
  if (first === undefined || rows.length === 1 || by.includes('team')) return undefined
  return { label: top === undefined ? 'total' : 'total shown', row: { ...first, ...sumOf(rows) } }
}

/** What people should know before they add up rows of teams, or take one team for another. */
export function reportNotice(rows: readonly UsageRow[], by: readonly ReportGroup[]): string | undefined {
  if (!by.includes('team') || rows.length < 2) return undefined
  const adding =
    'Use by members of several teams is in the row of each, so rows may add up to more than was used.'
  const ids = new Map(rows.map(({ team }) => [team?.name, team?.id]))
  const isClear = by.includes('org') || rows.every(({ team }) => ids.get(team?.name) === team?.id)
  return isClear ? adding : `${adding} Several teams have one name: --by org tells them apart.`
}

const monthOfRow = (row: UsageRow, brush: Brush): string => brush.time(row.start, '').slice(0, 7)

/** The start of an hour, day or week. The time is left out if it is midnight in every row. */
function startOfRow(row: UsageRow, brush: Brush, rows: readonly UsageRow[]): string {
  if (row.start === null) return ''
  const timed = haveTimes.get(rows) ?? rows.some(each => each.start && !isMidnight(brush.time(each.start)))
  haveTimes.set(rows, timed)
  return timed ? brush.time(row.start) : brush.time(row.start).slice(0, 10)
}

/** Computed once for all rows. */
const haveTimes = new WeakMap<readonly UsageRow[], boolean>()

const isMidnight = (time: string): boolean => time.endsWith(' 00:00')

export const ingestLines = (report: IngestReport, brush: Brush): string =>
  report.alreadyCounted
    ? `${report.file}: already counted, nothing to do`
    : `${report.file}: counted ${countedText(report, brush)}`

/** The text of a dry run, after "Would". */
export const ingestPlanLines = (report: IngestReport, brush: Brush): string =>
  report.alreadyCounted
    ? `count nothing: ${report.file} is already counted`
    : `count ${countedText(report, brush)}`

/** `9 of 10 events for 2 keys, 1 bad`, and the problems of the bad ones. */
function countedText(report: IngestReport, brush: Brush): string {
  const left = [
    report.duplicates > 0 ? `${brush.count(report.duplicates)} counted before` : '',
    report.bad > 0 ? brush.bad(`${brush.count(report.bad)} bad`) : '',
    report.unpriced > 0 ? brush.warn(`${brush.count(report.unpriced)} without a price`) : '',
    report.endUsersLeftOut > 0
      ? brush.warn(`${many(report.endUsersLeftOut, 'end user')} more than max_end_users`)
      : '',
  ].filter(text => text !== '')
  const bad = report.problems.map(({ line, problem }) => `  line ${line} ${problem}`)
  const more = report.bad > bad.length ? [`  and ${brush.count(report.bad - bad.length)} more`] : []
  const counted = `${brush.count(report.counted)} of ${many(report.events, 'event')} for ${many(report.keys, 'key')}`
  return [[counted, ...left].join(', '), ...bad, ...more].join('\n')
}

export const compactedLines = (report: Compacted, brush: Brush): string =>
  `${many(report.rowsBefore, 'bucket')} before, ${brush.count(report.rowsAfter)} now${compactedParts(report, brush)}`

/** One line for each kind of change; empty if there was none. */
export function compactedParts(report: Compacted, brush: Brush): string {
  const parts: readonly (readonly [number, string])[] = [
    [report.minutesDeleted, 'of a minute deleted'],
    [report.hoursDeleted, 'of an hour deleted'],
    [report.reservationsRemoved, 'old reservations removed'],
    [report.eventsForgotten, 'ids of old events deleted'],
    [report.filesForgotten, 'old files deleted'],
    [report.denialsForgotten, 'rows of old denials deleted'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `\n  ${brush.count(count)} ${what}`)
    .join('')
}

export function usageCheckLines(check: UsageCheck, brush: Brush): string {
  const keys = many(check.keys, 'key')
  if (check.differences.length === 0) return `The totals of ${keys} match the recorded usage`
  const fields = ['requests', 'inputTokens', 'outputTokens', 'otherTokens', 'costUsd'] as const
  const lines = check.differences.map(({ key, total, recorded }) => {
    const differing = fields
      .filter(field => total[field] !== recorded[field])
      .map(field => `${field} ${total[field]}, recorded ${recorded[field]}`)
    return `  ${key.name} (${key.id}): ${differing.join('; ')}`
  })
  const outcome = check.repaired ? brush.good('fixed') : brush.bad('differ from the recorded usage')
  const next = check.repaired ? [] : ['Fix them with: latchkey usage check --repair']
  return [`Totals of ${brush.count(lines.length)} of ${keys} ${outcome}:`, ...lines, ...next].join('\n')
}
