/** What more than one command draws: limits with bars, days as bars, counts as columns. Draws; decides nothing. */
import type {
  AuditEntry,
  BackupSchedule,
  ImportItem,
  ImportReport,
  ImportUndo,
  ImportUndoItem,
  KeyStatus,
  LimitState,
  Migrated,
  Restored,
  Totals,
  UsagePoint,
  UsageRow,
} from '../contract/views.ts'
import type { BackupEvent } from '../index.ts'
import type { Brush } from './brush.ts'
import { bar } from './chart.ts'
import { reference } from './columns.ts'
import type { Column } from './define.ts'
import { printableLine } from './printable.ts'

export function keyStatus(status: KeyStatus, brush: Brush): string {
  return { active: brush.good, disabled: brush.warn, expired: brush.warn, revoked: brush.bad }[status](status)
}

/** `12 requests, 3,400 tokens (3,000 in, 400 out), $0.12` */
export function totalsLine(totals: Totals, brush: Brush): string {
  const split =
    totals.inputTokens + totals.outputTokens > 0
      ? ` (${brush.count(totals.inputTokens)} in, ${brush.count(totals.outputTokens)} out)`
      : ''
  return `${brush.count(totals.requests)} requests, ${brush.count(totals.tokens)} tokens${split}, ${brush.dollars(totals.costUsd)}`
}

/** A line per limit: how much of it is used, what is left and when more is. */
export function limitLines(limits: readonly LimitState[], brush: Brush): readonly string[] {
  const rows = limits.map(limit => {
    const quantity = limit.metric === 'usd' ? brush.dollars : brush.count
    return {
      limit,
      name: `${limit.metric} / ${brush.duration(limit.windowMs)}`,
      used: `${quantity(limit.used)} of ${quantity(limit.amount)}`,
      left: `${quantity(limit.remaining)} left`,
    }
  })
  const widest = (field: 'name' | 'used' | 'left') => Math.max(0, ...rows.map(row => row[field].length))
  return rows.map(({ limit, name, used, left }) => {
    const fraction = limit.amount === 0 ? 1 : limit.used / limit.amount
    const paint = limit.exceeded ? brush.bad : fraction >= 0.8 ? brush.warn : brush.good
    const picture = brush.pictures ? `  ${paint(bar(fraction, 20, brush.unicode).padEnd(20))}` : ''
    const again = limit.exceeded
      ? limit.retryAt === null
        ? '  never allows this'
        : `  more at ${brush.time(limit.retryAt)}`
      : ''
    return `${name.padEnd(widest('name'))}  ${used.padStart(widest('used'))}  ${paint(left.padStart(widest('left')))}${picture}${again}`
  })
}

/** A bar per day, number first. */
export function dayBars(series: readonly UsagePoint[], brush: Brush): readonly string[] {
  const most = Math.max(1, ...series.map(point => point.tokens))
  const widest = Math.max(1, ...series.map(point => brush.count(point.tokens).length))
  return series.map(point => {
    const day = brush.time(point.start).slice(0, 10)
    const picture = brush.pictures ? `  ${bar(point.tokens / most, 40, brush.unicode)}` : ''
    return `${day}  ${brush.count(point.tokens).padStart(widest)} tokens${picture}`.trimEnd()
  })
}

export const countColumns: readonly Column<UsageRow>[] = [
  { title: 'requests', cell: (row, brush) => brush.count(row.requests), align: 'right' },
  { title: 'input', cell: (row, brush) => brush.count(row.inputTokens), align: 'right' },
  { title: 'output', cell: (row, brush) => brush.count(row.outputTokens), align: 'right' },
  { title: 'tokens', cell: (row, brush) => brush.count(row.tokens), align: 'right' },
  { title: 'cost', cell: (row, brush) => brush.dollars(row.costUsd), align: 'right' },
]

/** The start of an hour or a day; a day without its time. */
export function startOfRow(row: UsageRow, brush: Brush): string {
  return row.start === null ? '' : brush.time(row.start).replace(/ 00:00$/, '')
}

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
    ...(run.backup === null ? [] : [`As it was before: ${run.backup}. Undo: latchkey restore ${run.backup}`]),
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
      : [`What was there before is in ${safetyBackup.path}. Undo: latchkey restore ${safetyBackup.path}`]),
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
        `  ${table}: ${brush.count(before[table] ?? 0)} rows before, ${brush.count(after[table] ?? 0)} now`,
    )
}

/** `Copying  [#########               ]  45%` */
export function progressText(event: Extract<BackupEvent, { kind: 'progress' }>): string {
  const names = { copying: 'Copying', packing: 'Packing', uploading: 'Uploading' }
  const fraction = event.total === 0 ? 0 : Math.min(1, event.done / event.total)
  const percent = `${Math.floor(fraction * 100)}%`.padStart(4)
  return `${names[event.phase].padEnd(9)} [${bar(fraction, 24, false)}] ${percent}`
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
export function auditChange(entry: AuditEntry): string {
  const before = Object(entry.before ?? {})
  const after = Object(entry.after ?? {})
  if (entry.before === null || entry.after === null) return ''
  return Object.keys(after)
    .map(field => `${field} ${short(before[field])} → ${short(after[field])}`)
    .join(', ')
}

function short(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'object' && ('username' in value || 'slug' in value)) return reference(value as never)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
