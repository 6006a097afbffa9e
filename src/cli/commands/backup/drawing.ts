/** Shows restores, which backups are kept, and schedules. */

import type {
  Backup,
  BackupPruning,
  BackupSchedule,
  Restored,
  RevivedSecret,
} from '../../../contract/views.ts'
import { isServerUrl, placeOfUrl } from '../../../text/address.ts'
import { many } from '../../../text/quantity.ts'
import { shellLine, shellWord } from '../../../text/shell-word.ts'
import type { Brush } from '../../declare/brush.ts'
import type { Column } from '../../declare/column.ts'

/** How it was restored, as far as that is repeated to undo it. */
interface Target {
  /** Given if it is another database than the configured one. */
  readonly to?: string | undefined
  readonly inPlace?: boolean | undefined
  readonly identity?: string | undefined
}

export function restoredLines(run: Restored, brush: Brush, target: Target): string {
  const { safetyBackup, movedAside } = run
  return [
    `Restored ${restoreLines(run, brush, target)}`,
    ...(safetyBackup === null
      ? []
      : [`Safety copy: ${safetyBackup.path}. Undo: ${undoLine(run.path, safetyBackup, target)}`]),
    ...movedAside.map(file => `Moved aside: ${file}`),
  ].join('\n')
}

const undoLine = (path: string, { encrypted }: Backup, { to, inPlace, identity }: Target): string =>
  shellLine([
    ...['restore', '--undo'],
    ...(inPlace ? ['--in-place'] : []),
    ...(encrypted && identity !== undefined ? ['--identity', identity] : []),
    ...(to === undefined ? [] : ['--to', path]),
  ])

/** The text of a dry run, after "Would". */
export const restorePlanLines = (run: Restored, brush: Brush, target: Target): string =>
  `restore ${restoreLines(run, brush, target)}`

/** What happened to the one thing that was restored; undefined if it was the whole database. */
export function partLine({ only }: Restored, asked: string | undefined): string | undefined {
  if (asked !== undefined) return `Only ${asked} was restored; everything else is unchanged.`
  return only === null ? undefined : `Only the restore of ${only} was undone; everything else is unchanged.`
}

/** What was restored from which backup, and what differs. */
function restoreLines(run: Restored, brush: Brush, { to }: Target): string {
  const { path, backup, rows, before, changes, openBy, stays, revived } = run
  const sets = changes === null ? [] : Object.entries(changes)
  return [
    `${path} from ${backup.path}, taken ${brush.dated(backup.createdAt)} at schema version ${backup.schemaVersion}`,
    ...(backup.database === null || backup.database.path === (isServerUrl(path) ? placeOfUrl(path) : path)
      ? []
      : [`It is a backup of ${databaseOf(backup)}`]),
    ...rowChanges(before, rows, brush),
    ...sets.flatMap(([kind, { added, removed, changed }]) => [
      ...nameLine(brush.good(`${kind} added`), added),
      ...nameLine(brush.bad(`${kind} removed`), removed),
      ...nameLine(brush.warn(`${kind} changed`), changed),
    ]),
    ...stays.map(line => `  ${brush.warn('restricted since, and stays so')}: ${line}`),
    ...revivedLines(revived ?? [], brush, to === undefined ? '' : `--db ${shellWord(path)} `),
    ...openBy.map(({ pid, command }) => `Open in process ${pid} (${command})`),
  ].join('\n')
}

/** @param database the option that names it, if it is not the configured one */
function revivedLines(revived: readonly RevivedSecret[], brush: Brush, database: string): readonly string[] {
  const lines = revived.slice(0, mostNames).map(({ key, start, because, ended }) => {
    const title = ended ? brush.good('stays ended') : brush.bad('works again')
    return `  ${title}: ${start}… of key ${key.name}, ${because.replace('_', ' ')} before`
  })
  const more = revived.length - lines.length
  return [
    ...lines,
    ...(more > 0 ? [`  and ${many(more, 'secret')} more`] : []),
    ...(revived.some(each => !each.ended)
      ? [`  End them: latchkey ${database}key revoke KEY; or restore with --keep-revocations`]
      : []),
  ]
}

/** The database of a backup. */
export const databaseOf = ({ database }: Backup): string =>
  database === null ? 'unknown' : `${database.host}:${database.path}`

/** Says that backups of other databases were not listed. */
export function otherDatabases(others: readonly Backup[]): string {
  const unknown = others.filter(({ database }) => database === null).length
  const known = others.length - unknown
  const parts = [
    ...(known === 0 ? [] : [`${many(known, 'backup')} of other databases`]),
    ...(unknown === 0
      ? []
      : [`${many(unknown, 'backup')} made by an older Latchkey, of an unknown database`]),
  ]
  return `Not listed: ${parts.join(', ')} (list them with --all-databases)`
}

const mostNames = 10

const nameLine = (title: string, names: readonly string[]): readonly string[] =>
  names.length === 0
    ? []
    : [
        `  ${title}: ${names.slice(0, mostNames).join(', ')}${names.length > mostNames ? ` and ${names.length - mostNames} more` : ''}`,
      ]

/** A line for each table whose number of rows changes. */
function rowChanges(
  before: Readonly<Record<string, number>> | null,
  after: Readonly<Record<string, number>>,
  brush: Brush,
): readonly string[] {
  if (before === null)
    return [
      `  ${many(
        Object.values(after).reduce((sum, n) => sum + n, 0),
        'row',
      )}`,
    ]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter(table => (before[table] ?? 0) !== (after[table] ?? 0))
    .map(
      table => `  ${table}: ${many(before[table] ?? 0, 'row')} before, ${brush.count(after[table] ?? 0)} now`,
    )
}

/** Where an entry would be written, and its text. */
export const scheduledPlan = (schedule: BackupSchedule): string =>
  [`write to ${whereOf(schedule)}:`, ...entryLines(schedule)].join('\n')

const entryLines = ({ entries }: BackupSchedule): readonly string[] =>
  entries.map(({ path, content }) => (path === null ? content : `# ${path}\n${content}`))

const whereOf = ({ manager, name }: BackupSchedule): string =>
  manager === 'crontab' ? 'your crontab' : `the timer ${name} of systemd`

/** The text that was or would be written, ready to paste. */
export function scheduledLines(schedule: BackupSchedule, brush: Brush): string {
  if (!schedule.changed) return entryLines(schedule).join('\n')
  const own = schedule.entries.some(({ path }) => path?.includes('/systemd/user/'))
  return [
    `Scheduled in ${whereOf(schedule)}; next run ${brush.dated(schedule.nextRun)}`,
    schedule.log === null
      ? `Output: journalctl${own ? ' --user' : ''} -u ${schedule.name}`
      : `Output: ${schedule.log}`,
    ...(own ? ['It runs while you are logged in, or always after: loginctl enable-linger'] : []),
  ].join('\n')
}

/** The text of a dry run, after "Would". */
export const pruningPlan = (rows: readonly BackupPruning[]): string =>
  `remove ${rows.filter(({ outcome }) => outcome === 'removed').length} of ${many(rows.length, 'backup')}`

/** The decision of retention about each backup. */
export const pruningColumns: readonly Column<BackupPruning>[] = [
  { title: 'taken', time: row => row.createdAt },
  // Also shown before it happens.
  {
    title: 'decision',
    cell: ({ outcome }, brush) => (outcome === 'kept' ? brush.good('keep') : brush.bad('remove')),
  },
  { title: 'because', cell: row => row.because.join(', ') },
  { title: 'size', cell: (row, brush) => brush.bytes(row.sizeBytes), align: 'right' },
  { title: 'reason', cell: row => row.reason, wide: true },
  { title: 'id', cell: row => row.id, wide: true },
  { title: 'path', cell: row => row.path, wide: true },
]
