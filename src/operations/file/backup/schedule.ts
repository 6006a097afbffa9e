/**
 * Schedules backups with one line in the user's crontab or one systemd timer. Only entries with our mark for this
 * database are replaced or removed; every other line stays the same, byte for byte.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type * as v from 'valibot'
import { LatchkeyError } from '../../../contract/errors.ts'
import type { BackupSchedule, Scheduler } from '../../../contract/views.ts'
import { systemFailure } from '../../../system/errors.ts'
import { canWrite, ensureFolder, fileFailure, replaceFile } from '../../../system/files.ts'
import { homeFolder, userFolder } from '../../../system/home.ts'
import {
  besideIt,
  readScheduled,
  type Scheduled,
  scheduledFile,
  scheduledText,
  usualBackupDir,
} from '../../../system/scheduled.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { FileContext } from '../../context.ts'
import { parse } from '../../rules/input.ts'
import { type ScheduleBackups, scheduleInput, type UnscheduleBackups, unscheduleInput } from './input.ts'
import { calendarOf } from './systemd-calendar.ts'

/** What would be written, without reading the system's schedules. @throws invalid */
export async function planSchedule(context: FileContext, input: ScheduleBackups): Promise<BackupSchedule> {
  const job = parse(scheduleInput, input)
  const manager = job.manager ?? 'crontab'
  const view = {
    manager,
    name: markOf(context),
    cron: job.cron,
    nextRun: nextRun(context, job.cron),
    changed: false,
  }
  if (manager === 'crontab') {
    const log = logOf(context, job.log)
    return { ...view, log, entries: [{ path: null, content: cronLine(context, job, log) }] }
  }
  return { ...view, log: null, entries: units(context, job) }
}

/**
 * Installs the entry, replacing an earlier one for the same database, after its command has worked as a dry run. The
 * place and recipients of the schedule become those of the database. A dry run shows the entry.
 *
 * @throws invalid (the times), config (no crontab or systemd, it refuses, or the command fails), permission
 */
export async function scheduleBackups(context: FileContext, input: ScheduleBackups): Promise<BackupSchedule> {
  const manager = input.manager ?? (await defaultManager(context))
  const plan = await planSchedule(context, { ...input, manager })
  // The scheduled command creates this folder too, and a failed rehearsal must leave nothing.
  const removeFolder = plan.log === null ? () => {} : ensureFolder(dirname(plan.log))
  try {
    await rehearse(context, plan)
  } catch (error) {
    removeFolder()
    throw error
  }
  if (context.dryRun) {
    removeFolder()
    return { ...plan, changed: true }
  }
  const before = readScheduled(resolve(besideIt(context)))
  note(context, scheduledBy(context, input))
  try {
    await install(context, plan)
  } catch (error) {
    note(context, before)
    throw error
  }
  return { ...plan, changed: true }
}

/** undefined if the schedule uses the context's own place and recipients. */
function scheduledBy(context: FileContext, input: ScheduleBackups): Scheduled | undefined {
  const { to: backupDir = context.backupDir, recipientsFile = null } = input
  const isUsual = backupDir === usualBackupDir(resolve(besideIt(context)))
  return isUsual && recipientsFile === null ? undefined : { backupDir, recipientsFile }
}

function note(context: FileContext, scheduled: Scheduled | undefined): void {
  const path = scheduledFile(resolve(besideIt(context)))
  if (scheduled === undefined) rmSync(path, { force: true })
  else replaceFile(path, scheduledText(scheduled))
}

async function install(context: FileContext, plan: BackupSchedule): Promise<void> {
  if (plan.manager === 'systemd') return installUnits(context, plan)
  const [entry] = plan.entries
  const lines = (await readCrontab(context)).filter(line => !isOurs(context, line))
  await writeCrontab(context, [...lines, entry?.content ?? ''])
}

/**
 * Runs the command of an entry as a dry run, in the bare environment that it would have.
 *
 * @throws config, with the error of the command
 */
export async function rehearse(
  context: FileContext,
  { manager, entries }: Pick<BackupSchedule, 'manager' | 'entries'>,
): Promise<void> {
  const [entry] = entries
  const trial = manager === 'crontab' ? trialOfLine(entry?.content ?? '') : trialOfUnit(entry?.content ?? '')
  const HOME = homeFolder(context.env ?? {})
  const env = { HOME, SHELL: '/bin/sh', PATH: '/usr/bin:/bin', ...trial.variables }
  const child = Bun.spawn([...trial.command], {
    cwd: trial.folder,
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const said = (await child.stderr.text()).trim()
  if ((await child.exited) === 0) return
  const problem = /^latchkey: (.*)$/m.exec(said)?.[1] ?? said.split('\n').at(-1) ?? ''
  throw new LatchkeyError(
    'config',
    `the scheduled command fails in a dry run: ${problem}`,
    /^try: (.*)$/m.exec(said)?.[1] ?? 'see the command with --print, and try it by hand',
  )
}

/** Removes our entries and returns them. @throws config, permission */
export async function unscheduleBackups(
  context: FileContext,
  input: UnscheduleBackups = {},
): Promise<readonly BackupSchedule[]> {
  const { manager } = parse(unscheduleInput, input)
  const removed: BackupSchedule[] = []
  const view = { name: markOf(context), cron: null, nextRun: null, log: null, changed: true }
  if (manager !== 'systemd' && (manager === 'crontab' || find(context, 'crontab') !== null)) {
    const all = await readCrontab(context)
    const ours = all.filter(line => isOurs(context, line))
    if (ours.length > 0) {
      if (!context.dryRun) {
        await writeCrontab(
          context,
          all.filter(line => !isOurs(context, line)),
        )
      }
      removed.push({ ...view, manager: 'crontab', entries: ours.map(content => ({ path: null, content })) })
    }
  }
  for (const systemd of manager === 'crontab' ? [] : Object.values(systemdsOf(context))) {
    const files = unitPaths(context, systemd).filter(path => holdsMark(context, path))
    if (files.length === 0) continue
    const entries = files.map(path => ({ path, content: readFileSync(path, 'utf8') }))
    if (!context.dryRun) {
      await systemctl(context, systemd, 'disable', '--now', `${markOf(context)}.timer`)
      for (const path of files) rmSync(path)
      await systemctl(context, systemd, 'daemon-reload')
    }
    removed.push({ ...view, manager: 'systemd', entries })
  }
  if (!context.dryRun && removed.length > 0) {
    const left = await unscheduleBackups({ ...context, dryRun: true })
    if (left.length === 0) note(context, undefined)
  }
  return removed
}

/** One mark per database, by its path. */
function markOf(context: FileContext): string {
  const hash = new Bun.CryptoHasher('sha256').update(resolve(besideIt(context))).digest('hex')
  return `latchkey-backup-${hash.slice(0, 8)}`
}

function nextRun(context: FileContext, cron: string): Date {
  const next = parseCron(context, cron)
  if (next !== null) return next
  throw new LatchkeyError(
    'invalid',
    `'${cron}' never happens: there is no such day`,
    "give a day that every month has, such as '17 3 1 * *' for the first at 03:17",
  )
}

function parseCron(context: FileContext, cron: string): Date | null {
  try {
    return Bun.cron.parse(cron, context.now())
  } catch (error) {
    const why =
      error instanceof Error ? error.message.replace(/^Invalid cron expression: /, '') : String(error)
    throw new LatchkeyError(
      'invalid',
      `'${cron}' is not a valid cron expression: ${why}`,
      "write minute, hour, day, month and weekday, such as '17 3 * * *' for every night at 03:17",
    )
  }
}

type Job = v.InferOutput<typeof scheduleInput>

/** In a crontab an unescaped % ends the command, even in quotes (crontab(5)). The log folder may be missing by then. */
function cronLine(context: FileContext, job: Job, log: string): string {
  const variables = job.envFile === undefined ? '' : `set -a && . ${shellWord(job.envFile)} && set +a && `
  const place = `cd ${shellWord(job.folder)} && mkdir -p -m 0700 ${shellWord(dirname(log))}`
  const command = job.command.map(shellWord).join(' ')
  const line = `${place} && ${variables}${command} >>${shellWord(log)} 2>&1 # ${markOf(context)}`
  return `${job.cron} ${line.replaceAll('%', '\\%')}`
}

/** A line that somebody has commented out is no longer ours. */
const isOurs = (context: FileContext, line: string): boolean =>
  !line.trimStart().startsWith('#') && line.trimEnd().endsWith(` # ${markOf(context)}`)

function units(context: FileContext, job: Job): BackupSchedule['entries'] {
  const [service = '', timer = ''] = unitPaths(context, systemdOf(context))
  const head = `# ${markOf(context)}: written by latchkey backup schedule, removed by latchkey backup unschedule\n`
  const about = `Description=Latchkey backup of "${unitText(context.path)}"`
  const folder = unitText(`${job.folder.replace(/\/$/, '')}/`)
  const variables = job.envFile === undefined ? '' : `EnvironmentFile=${unitText(wholePath(job.envFile))}\n`
  const command = job.command.map(unitWord).join(' ')
  const when = calendarOf(job.cron).map(each => `OnCalendar=${each}\n`)
  return [
    {
      path: service,
      content: `${head}[Unit]\n${about}\n\n[Service]\nType=oneshot\nWorkingDirectory=${folder}\n${variables}ExecStart=${command}\n`,
    },
    {
      path: timer,
      content: `${head}[Unit]\n${about}\n\n[Timer]\n${when.join('')}Persistent=true\n\n[Install]\nWantedBy=timers.target\n`,
    },
  ]
}

/** `%` begins a specifier (systemd.unit(5)). */
const unitText = (text: string): string => text.replaceAll('%', '%%')

/** systemd joins lines that end in a backslash and trims blanks, and offers no way to quote a path here. */
function wholePath(path: string): string {
  if (!/[\\\s]$/.test(path)) return path
  throw new LatchkeyError(
    'invalid',
    `systemd cannot use the file '${path}', because its name ends in a backslash or a space`,
    'rename it, or use crontab with --crontab',
  )
}

/** `$` begins a variable, and quotes are those of C (systemd.service(5), "Command lines"). */
const unitWord = (word: string): string =>
  `"${unitText(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$')}"`

/** The folder of units, and the options of systemctl for them. */
interface Systemd {
  readonly folder: string
  readonly options: readonly string[]
}

/** A user's timers run only while the user is logged in, so root uses the system's. */
function systemdsOf({ env = {} }: FileContext): { readonly user: Systemd; readonly system: Systemd } {
  const own = join(userFolder(env, 'XDG_CONFIG_HOME'), 'systemd', 'user')
  // systemd's own variable; the folder with the highest priority comes first.
  const [folder = ''] = (env['SYSTEMD_UNIT_PATH'] || '/etc/systemd/system').split(':')
  return { user: { folder: own, options: ['--user'] }, system: { folder, options: [] } }
}

/** The system's for root, else the user's. */
function systemdOf(context: FileContext): Systemd {
  const { user, system } = systemdsOf(context)
  return canWrite(system.folder) ? system : user
}

const unitPaths = (context: FileContext, { folder }: Systemd): readonly string[] =>
  ['service', 'timer'].map(kind => join(folder, `${markOf(context)}.${kind}`))

interface Trial {
  readonly command: readonly string[]
  readonly folder: string
  readonly variables: Readonly<Record<string, string>>
}

/** Reads a line that `cronLine` wrote. */
function trialOfLine(line: string): Trial {
  const [, job = ''] = /^(?:@\w+|(?:\S+\s+){4}\S+)\s+(.*) >>.* # \S+$/.exec(line.trimEnd()) ?? []
  return {
    command: ['/bin/sh', '-c', `${job.replaceAll('\\%', '%')} --dry-run`],
    folder: '/',
    variables: {},
  }
}

/** Reads a service that `units` wrote. */
function trialOfUnit(service: string): Trial {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(service)?.[1]?.replaceAll('%%', '%')
  const words = (value('ExecStart') ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g)
  const command = [...words].map(([, word = '']) => word.replaceAll('$$', '$').replaceAll(/\\(.)/g, '$1'))
  const file = value('EnvironmentFile')
  return {
    command: [...command, '--dry-run'],
    folder: value('WorkingDirectory') ?? '/',
    variables: file === undefined ? {} : variablesIn(file),
  }
}

/** Reads them as systemd does (systemd.exec(5), EnvironmentFile=), except for continued lines. */
function variablesIn(file: string): Readonly<Record<string, string>> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw fileFailure(error, file)
  }
  const lines = text.matchAll(/^[ \t]*([A-Za-z_]\w*)=[ \t]*(.*?)[ \t]*$/gm)
  return Object.fromEntries(
    [...lines].map(([, name = '', value = '']) => [name, value.replace(/^(["'])(.*)\1$/, '$2')]),
  )
}

const logOf = (context: FileContext, given: string | undefined): string =>
  given ?? join(userFolder(context.env ?? {}, 'XDG_STATE_HOME'), 'latchkey', 'backup.log')

function holdsMark(context: FileContext, path: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').startsWith(`# ${markOf(context)}:`)
}

async function installUnits(context: FileContext, plan: BackupSchedule): Promise<void> {
  const before = plan.entries.map(({ path }) => path !== null && existsSync(path))
  const stranger = plan.entries.find(
    ({ path }, index) => before[index] && path !== null && !holdsMark(context, path),
  )
  if (stranger) {
    throw new LatchkeyError(
      'conflict',
      `${stranger.path} was not written by latchkey`,
      'move it away, then run the command again',
    )
  }
  try {
    for (const { path, content } of plan.entries) {
      if (path === null) continue
      ensureFolder(dirname(path))
      replaceFile(path, content)
    }
    await systemctl(context, systemdOf(context), 'daemon-reload')
    await systemctl(context, systemdOf(context), 'enable', '--now', `${plan.name}.timer`)
  } catch (error) {
    for (const [index, { path }] of plan.entries.entries()) {
      if (path !== null && !before[index]) rmSync(path, { force: true })
    }
    throw systemFailure(error, plan.entries[0]?.path ?? '')
  }
}

async function defaultManager(context: FileContext): Promise<Scheduler> {
  if (find(context, 'crontab') !== null) return 'crontab'
  const running =
    find(context, 'systemctl') !== null &&
    (await run(context, ['systemctl', ...systemdOf(context).options, 'is-system-running']))
  if (running && /^(running|degraded|starting)/.test(running.out)) return 'systemd'
  throw new LatchkeyError(
    'config',
    'this user can use neither crontab nor systemd here',
    'install cron, or print an entry for another scheduler with --print',
  )
}

const find = (context: FileContext, program: string): string | null =>
  Bun.which(program, { PATH: context.env?.['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' })

/** The lines of the user's crontab; empty if there is none. */
async function readCrontab(context: FileContext): Promise<readonly string[]> {
  const { code, out, err } = await run(context, ['crontab', '-l'])
  if (code === 0) return out === '' ? [] : out.replace(/\n$/, '').split('\n')
  if (/no crontab/i.test(err)) return []
  throw refused('crontab', err)
}

async function writeCrontab(context: FileContext, lines: readonly string[]): Promise<void> {
  const text = lines.map(line => `${line}\n`).join('')
  const { code, err } = await run(context, lines.length === 0 ? ['crontab', '-r'] : ['crontab', '-'], text)
  if (code !== 0) throw refused('crontab', err)
}

async function systemctl(context: FileContext, systemd: Systemd, ...words: readonly string[]): Promise<void> {
  const program = ['systemctl', ...systemd.options]
  const { code, err } = await run(context, [...program, ...words])
  if (code !== 0) throw refused(program.join(' '), err)
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(context: FileContext, [name = '', ...words]: readonly string[], stdin = ''): Promise<Ran> {
  const program = find(context, name)
  if (program === null) {
    throw new LatchkeyError(
      'config',
      `${name} is not installed`,
      `install it, or print an entry for another scheduler with --print`,
    )
  }
  const child = Bun.spawn([program, ...words], {
    env: { ...context.env, LC_ALL: 'C' },
    stdin: new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { code: await child.exited, out, err }
}

const refused = (program: string, said: string): LatchkeyError =>
  new LatchkeyError(
    'config',
    `${program} refused: ${said.trim().split('\n').at(-1) ?? 'no reason given'}`,
    'print an entry for another scheduler with --print',
  )
