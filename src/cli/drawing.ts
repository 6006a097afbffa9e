/** What more than one command draws: limits with bars, days as bars, counts as columns. Draws; decides nothing. */
import { exitCodes } from '../contract/errors.ts'
import type {
  AuditEntry,
  BackupSchedule,
  Compacted,
  HealthReport,
  ImportItem,
  ImportReport,
  ImportUndo,
  ImportUndoItem,
  IngestReport,
  KeyStatus,
  LimitForecast,
  LimitState,
  Migrated,
  Price,
  Restored,
  SchemaCheck,
  Totals,
  UsageCheck,
  UsagePoint,
  UsageRow,
} from '../contract/views.ts'
import { shellWord } from '../shell-word.ts'
import type { Brush } from './brush.ts'
import { bar } from './chart.ts'
import { reference } from './columns.ts'
import type { Column } from './define.ts'
import { printableLine } from './printable.ts'
import { fold, widthOf } from './width.ts'

export function keyStatus(status: KeyStatus, brush: Brush): string {
  return { active: brush.good, disabled: brush.warn, expired: brush.warn, revoked: brush.bad }[status](status)
}

/** `12 requests, 3,400 tokens (3,000 in, 400 out), $0.12` */
export function totalsLine(totals: Totals, brush: Brush): string {
  const split =
    totals.inputTokens + totals.outputTokens > 0
      ? ` (${brush.count(totals.inputTokens)} in, ${brush.count(totals.outputTokens)} out)`
      : ''
  const requests = `${brush.count(totals.requests)} request${totals.requests === 1 ? '' : 's'}`
  return `${requests}, ${brush.count(totals.tokens)} tokens${split}, ${brush.dollars(totals.costUsd)}`
}

/**
 * A line per limit: how much of it is used, what is left, and how full it is as a number and a bar; below it, when more
 * is free. Where that is too wide, all of it stands below its name.
 */
export function limitLines(limits: readonly (LimitState | LimitForecast)[], brush: Brush): readonly string[] {
  const rows = limits.map(limit => {
    const quantity = quantityOf(limit, brush)
    return [
      limitName(limit, brush),
      `${quantity(limit.used)} of ${quantity(limit.amount)}`,
      `${quantity(limit.remaining)} left`,
      percentUsed(limit),
    ] as const
  })
  const widths = [0, 1, 2, 3].map(at => rows.reduce((most, row) => Math.max(most, widthOf(row[at] ?? '')), 0))
  const together = widths.reduce((sum, each) => sum + each + 2, -2)
  const isWide = together <= brush.width
  return limits.flatMap((limit, index) => {
    const [name = '', used = '', left = '', percent = ''] = rows[index] ?? []
    const paint = paintOf(limit, brush)
    const picture = fullness(limit, brush.width - (isWide ? together : 2 + percent.length) - 2, brush)
    const indent = isWide ? (widths[0] ?? 0) + 2 : 2
    const later = fold(laterText(limit, brush), brush.width - indent).map(line => ' '.repeat(indent) + line)
    if (!isWide) {
      const below = [used, paint(left), `${percent}${picture}`].map(line => `  ${line}`)
      return [name, ...below, ...later]
    }
    const columns = [
      name + ' '.repeat((widths[0] ?? 0) - widthOf(name)),
      used.padStart(widths[1] ?? 0),
      paint(left.padStart(widths[2] ?? 0)),
      percent.padStart(widths[3] ?? 0) + picture,
    ]
    return [columns.join('  '), ...later]
  })
}

export const limitColumns: readonly Column<LimitState>[] = [
  { title: 'metric', cell: limit => limit.metric, whole: true },
  { title: 'window', cell: (limit, brush) => brush.duration(limit.windowMs), whole: true },
  { title: 'amount', cell: (limit, brush) => quantityOf(limit, brush)(limit.amount), align: 'right' },
  { title: 'used', cell: (limit, brush) => quantityOf(limit, brush)(limit.used), align: 'right' },
  {
    title: 'left',
    cell: (limit, brush) => paintOf(limit, brush)(quantityOf(limit, brush)(limit.remaining)),
    align: 'right',
  },
  { title: 'full', cell: percentUsed, align: 'right' },
  { bar: fractionUsed, full: 1 },
  { title: 'of', cell: limit => `${limit.subject.type} ${limit.subject.name}` },
  {
    title: 'more',
    cell: (limit, brush) => (limit.exceeded ? brush.ago(limit.retryAt) : ''),
    whole: true,
    hideEmpty: true,
  },
]

const quantityOf = ({ metric }: LimitState, brush: Brush) => (metric === 'usd' ? brush.dollars : brush.count)

function fractionUsed({ amount, used }: LimitState): number {
  return amount === 0 ? 1 : used / amount
}

/** Never 100% of what is not used up, nor 0% of what is used. */
function percentUsed(limit: LimitState): string {
  const percent = Math.floor(fractionUsed(limit) * 100)
  return percent === 0 && limit.used > 0 ? '<1%' : `${percent}%`
}

const paintOf = (limit: LimitState, brush: Brush) =>
  limit.exceeded ? brush.bad : fractionUsed(limit) >= 0.8 ? brush.warn : brush.good

/** `  ████▌`, in the room there is; nothing where there is too little, or where no pictures are drawn. */
function fullness(limit: LimitState, room: number, brush: Brush): string {
  const width = Math.min(20, room)
  if (!brush.pictures || width < 4) return ''
  const drawn = bar(fractionUsed(limit), width, brush.unicode).trimEnd()
  return drawn === '' ? '' : `  ${paintOf(limit, brush)(drawn)}`
}

/** When there is more: `12,300 free at 14:05, all of it at 16:40`; empty when nothing needs to free. */
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

/** A moment, without its day when that is today. */
function soon(moment: Date, brush: Brush): string {
  const [day = '', time = ''] = brush.time(moment).split(' ')
  return day === brush.time(brush.now).slice(0, day.length) ? time : `${day} ${time}`
}

/** `tokens / 5h`, and whose it is unless it is the key's own. */
const limitName = ({ metric, windowMs, subject }: LimitState, brush: Brush): string =>
  `${metric} / ${brush.duration(windowMs)}${subject.type === 'key' ? '' : ` of ${subject.type} ${subject.name}`}`

/** A bar per day, number first. */
export function dayBars(series: readonly UsagePoint[], brush: Brush): readonly string[] {
  const most = Math.max(1, ...series.map(point => point.tokens))
  const widest = Math.max(1, ...series.map(point => brush.count(point.tokens).length))
  return series.map(point => {
    const day = brush.time(point.start).slice(0, 10)
    const number = `${day}  ${brush.count(point.tokens).padStart(widest)} tokens`
    const room = Math.min(40, brush.width - number.length - 2)
    const picture = brush.pictures && room >= 4 ? `  ${bar(point.tokens / most, room, brush.unicode)}` : ''
    return `${number}${picture}`.trimEnd()
  })
}

export const countColumns: readonly Column<UsageRow>[] = [
  { title: 'requests', cell: (row, brush) => brush.count(row.requests), align: 'right' },
  { title: 'input', cell: (row, brush) => brush.count(row.inputTokens), align: 'right' },
  { title: 'output', cell: (row, brush) => brush.count(row.outputTokens), align: 'right' },
  { title: 'cost', cell: (row, brush) => brush.dollars(row.costUsd), align: 'right' },
  { title: 'tokens', cell: (row, brush) => brush.count(row.tokens), align: 'right' },
  { bar: row => row.tokens },
]

export const priceColumns: readonly Column<Price>[] = [
  { title: 'model', cell: price => price.model },
  { title: 'input', cell: (price, brush) => brush.dollars(price.inputUsd), align: 'right' },
  { title: 'output', cell: (price, brush) => brush.dollars(price.outputUsd), align: 'right' },
  { title: 'from', cell: (price, brush) => brush.time(price.startsAt, 'always') },
  { title: '', cell: (price, brush) => (price.current ? brush.good('now') : ''), hideEmpty: true },
]

/** The start of an hour, or of a day, week or month: these without their time, which is midnight in each row. */
export function startOfRow(row: UsageRow, brush: Brush, rows: readonly UsageRow[]): string {
  if (row.start === null) return ''
  const timed = haveTimes.get(rows) ?? rows.some(each => each.start && !isMidnight(brush.time(each.start)))
  haveTimes.set(rows, timed)
  return timed ? brush.time(row.start) : brush.time(row.start).slice(0, 10)
}

/** Asked for each row, and answered once for all. */
const haveTimes = new WeakMap<readonly UsageRow[], boolean>()
const isMidnight = (time: string): boolean => time.endsWith(' 00:00')

export function importLines(report: ImportReport, brush: Brush): string {
  const paint = { created: brush.good, updated: brush.warn, unchanged: brush.dim, refused: brush.bad }
  return [
    ...report.items.map(item => `${paint[item.outcome](item.outcome.padEnd(9))} ${importedThing(item)}`),
    ...report.notes.map(note => `Note: ${note}`),
    ...(report.ignoredFields.length === 0 ? [] : [`Has no home here: ${report.ignoredFields.join(', ')}`]),
    ...(report.leftBehind.length === 0
      ? []
      : [
          `Left behind: ${report.leftBehind.map(({ name, rows }) => `${name} (${brush.count(rows)} ${rows === 1 ? 'row' : 'rows'})`).join(', ')}`,
        ]),
    `${report.source}: ${report.created} created, ${report.updated} updated, ${report.unchanged} unchanged, ${report.refused} refused (${report.id})`,
  ].join('\n')
}

export function ingestLines(report: IngestReport, brush: Brush): string {
  if (report.alreadyCounted) return `${report.file}: was counted before, nothing to do`
  const left = [
    report.duplicates > 0 ? `${brush.count(report.duplicates)} counted before` : '',
    report.bad > 0 ? brush.bad(`${brush.count(report.bad)} bad`) : '',
    report.unpriced > 0 ? brush.warn(`${brush.count(report.unpriced)} without a price`) : '',
  ].filter(text => text !== '')
  const bad = report.problems.map(({ line, problem }) => `  line ${line} ${problem}`)
  const more = report.bad > bad.length ? [`  and ${brush.count(report.bad - bad.length)} more`] : []
  const counted = `${report.file}: counted ${brush.count(report.counted)} of ${brush.count(report.events)} events for ${brush.count(report.keys)} keys`
  return [[counted, ...left].join(', '), ...bad, ...more].join('\n')
}

export function compactedLines(report: Compacted, brush: Brush): string {
  const parts: readonly (readonly [number, string])[] = [
    [report.foldedIntoHours, 'folded into hours'],
    [report.foldedIntoDays, 'folded into days'],
    [report.reservationsRemoved, 'old reservations removed'],
    [report.eventsForgotten, 'ids of old events forgotten'],
    [report.filesForgotten, 'old files forgotten'],
  ]
  return [
    `${brush.count(report.rowsBefore)} buckets before, ${brush.count(report.rowsAfter)} now`,
    ...parts.filter(([count]) => count > 0).map(([count, what]) => `  ${brush.count(count)} ${what}`),
  ].join('\n')
}

export function usageCheckLines(check: UsageCheck, brush: Brush): string {
  const keys = `${brush.count(check.keys)} keys`
  if (check.differences.length === 0) return `The totals of ${keys} are what was recorded`
  const fields = ['requests', 'inputTokens', 'outputTokens', 'otherTokens', 'costUsd'] as const
  const lines = check.differences.map(({ key, total, recorded }) => {
    const differing = fields
      .filter(field => total[field] !== recorded[field])
      .map(field => `${field} ${total[field]}, recorded ${recorded[field]}`)
    return `  ${key.name} (${key.id}): ${differing.join('; ')}`
  })
  const outcome = check.repaired ? brush.good('mended') : brush.bad('differ from what was recorded')
  const next = check.repaired ? [] : ['Mend them with: latchkey usage check --repair']
  return [`Totals of ${brush.count(lines.length)} of ${keys} ${outcome}:`, ...lines, ...next].join('\n')
}
export function importUndoLines(undo: ImportUndo, brush: Brush): string {
  const paint = { removed: brush.bad, reverted: brush.warn, kept: brush.good, gone: brush.dim }
  return [
    ...undo.items.map(item => `${paint[item.outcome](item.outcome.padEnd(8))} ${importedThing(item)}`),
    `${undo.source}: ${undo.removed} removed, ${undo.reverted} reverted, ${undo.kept} kept, ${undo.gone} gone`,
  ].join('\n')
}

/** `key ci: why` */
const importedThing = ({ type, name, reason }: ImportItem | ImportUndoItem): string =>
  `${type} ${printableLine(name)}${reason === null ? '' : `: ${printableLine(reason)}`}`

export function migratedLines(run: Migrated): string {
  if (run.steps.length === 0) return `${run.path} already has schema version ${run.to}`
  return [
    `Migrated ${run.path} from schema version ${run.from} to ${run.to}`,
    ...run.steps.map(step => `  ${step}`),
    ...(Object.keys(run.lost).length === 0 ? [] : [`Lost: ${lossLine(run.lost)}`]),
    ...(run.backup === null
      ? []
      : [`As it was before: ${run.backup}. Undo: latchkey restore ${shellWord(run.backup)}`]),
  ].join('\n')
}

/** `usage (3 rows), limits.reset_at (1 value)`; empty when nothing is lost. */
export const lossLine = (lost: Readonly<Record<string, number>>): string =>
  Object.entries(lost)
    .map(([name, count]) => `${name} (${lossOf(name, count)})`)
    .join(', ')

const lossOf = (name: string, count: number): string =>
  `${count} ${name.includes('.') ? 'value' : 'row'}${count === 1 ? '' : 's'}`

export function restoredLines(run: Restored, brush: Brush): string {
  const { path, backup, safetyBackup, movedAside, rows, before, changes, openBy } = run
  const sets = changes === null ? [] : Object.entries(changes)
  return [
    `Restored ${path} from ${backup.path}, taken ${brush.time(backup.createdAt)} at schema version ${backup.schemaVersion}`,
    ...rowChanges(before, rows, brush),
    ...sets.flatMap(([kind, { added, removed, changed }]) => [
      ...nameLine(brush.good(`${kind} that come back`), added),
      ...nameLine(brush.bad(`${kind} that go`), removed),
      ...nameLine(brush.warn(`${kind} that change`), changed),
    ]),
    ...openBy.map(({ pid, command }) => `Open in process ${pid} (${command})`),
    ...(safetyBackup === null
      ? []
      : [
          `What was there before is in ${safetyBackup.path}. Undo: latchkey restore ${shellWord(safetyBackup.path)}`,
        ]),
    ...movedAside.map(file => `Moved aside: ${file}`),
  ].join('\n')
}

const mostNames = 10

const nameLine = (title: string, names: readonly string[]): readonly string[] =>
  names.length === 0
    ? []
    : [
        `  ${title}: ${names.slice(0, mostNames).join(', ')}${names.length > mostNames ? ` and ${names.length - mostNames} more` : ''}`,
      ]

/** A line per table whose number of rows changes. */
function rowChanges(
  before: Readonly<Record<string, number>> | null,
  after: Readonly<Record<string, number>>,
  brush: Brush,
): readonly string[] {
  if (before === null) return [`  ${brush.count(Object.values(after).reduce((sum, n) => sum + n, 0))} rows`]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter(table => (before[table] ?? 0) !== (after[table] ?? 0))
    .map(
      table =>
        `  ${table}: ${brush.count(before[table] ?? 0)} ${before[table] === 1 ? 'row' : 'rows'} before, ${brush.count(after[table] ?? 0)} now`,
    )
}

/** What was written, or what would be, ready to be pasted. */
export function scheduledLines(schedule: BackupSchedule, brush: Brush): string {
  const lines = schedule.entries.map(({ path, content }) =>
    path === null ? content : `# ${path}\n${content}`,
  )
  if (!schedule.changed) return lines.join('\n')
  const where = schedule.manager === 'crontab' ? 'your crontab' : `the timer ${schedule.name} of systemd`
  return [
    `Scheduled in ${where}; next run ${brush.time(schedule.nextRun)}`,
    schedule.log === null ? `Output: journalctl --user -u ${schedule.name}` : `Output: ${schedule.log}`,
  ].join('\n')
}

/** The fields that an audit row tells of: `status active → revoked`. */
export function auditChange(entry: AuditEntry, brush: Brush): string {
  const arrow = brush.unicode ? '→' : '->'
  const before = Object(entry.before ?? {})
  const after = Object(entry.after ?? {})
  if (entry.before === null || entry.after === null) return ''
  return Object.keys(after)
    .map(field => `${field} ${short(before[field])} ${arrow} ${short(after[field])}`)
    .join(', ')
}

function short(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'object' && ('username' in value || 'slug' in value)) return reference(value as never)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Everything that a check of the schema and the file has found, a line each. */
export const schemaCheckLines = (check: SchemaCheck, brush: Brush): string =>
  check.ok
    ? `${brush.good('ok')}: the schema of ${check.path} is what its migrations make`
    : check.problems.map(problem => `${brush.bad(problem.kind)}: ${problem.detail}`).join('\n')

/** A line per check, with what is wrong and, below it, what to do about it. */
export function healthLines({ path, status, checks }: HealthReport, brush: Brush): string {
  const paint = { ok: brush.good, warning: brush.warn, failed: brush.bad, skipped: brush.dim }
  const lines = checks.flatMap(check => [
    `  ${paint[check.status](check.status.padEnd(8))} ${check.name.replaceAll('_', ' ')}${check.problem === null ? '' : `: ${printableLine(check.problem)}`}`,
    ...(check.mend === null ? [] : [`           ${brush.dim(printableLine(check.mend))}`]),
  ])
  return [`${path}: ${paint[status](status)}`, ...lines].join('\n')
}

/** Warnings do not fail. */
export const healthExit = ({ status, damaged }: HealthReport): number => {
  if (status !== 'failed') return 0
  return damaged ? exitCodes.corrupt : exitCodes.stale
}
