/** The program itself and what surrounds it: settings, health, completion, manual, server, progress. */
import {
  anything,
  choice,
  flag,
  foreign,
  integer,
  type JsonSchema,
  list,
  nullable,
  number,
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { progressSteps, progressUnits } from './words.ts'

export const healthReport = object('HealthReport', {
  path: text('The database'),
  status: choice(['ok', 'warning', 'failed'], 'The worst of the checks'),
  damaged: flag(
    'Whether the file, its schema, its totals or its audit log are damaged; restore or repair it',
  ),
  checks: list(
    object('HealthCheck', {
      name: choice(
        [
          'settings',
          'reachable',
          'writable',
          'schema',
          'integrity',
          'usage',
          'audit',
          'permissions',
          'disk_space',
          'last_backup',
          'clock',
          'prices',
          'wal',
          'age_files',
          'schedule',
          'backup_bytes',
          'version',
          'locale',
          'connections',
          'transactions',
          'replication',
          'bloat',
          'tls',
        ],
        'What was checked',
      ),
      status: choice(['ok', 'warning', 'failed', 'skipped'], 'The result'),
      value: nullable(anything('The measured value: bytes, milliseconds or versions')),
      problem: nullable(text('What is wrong')),
      mend: nullable(text('How to fix it')),
    }),
    'Every check',
  ),
})

export const jsonSchema = foreign<JsonSchema>(
  'JsonSchema',
  'https://json-schema.org/draft/2020-12/schema',
  'A JSON Schema of draft 2020-12',
)

export const completionInstalled = object('CompletionInstalled', {
  shell: choice(['bash', 'zsh', 'fish'], 'The shell'),
  path: text('Where the script is'),
  changed: flag('Whether the file was written or changed'),
  activate: nullable(text('What else you have to do; null when nothing')),
})

export const manPage = object('ManPage', {
  name: text('Its name, such as latchkey-key-create'),
  section: integer('Its section of the manual'),
  path: nullable(text('Where it was written; null when it was only printed')),
  text: text('The page in roff, of man(7)'),
})

export const configValue = object('ConfigValue', {
  name: text('Name of the setting'),
  value: nullable(text('New value')),
  source: text('flag, an environment variable, a file, or default'),
})

export const configChange = object('ConfigChange', {
  name: text('Name of the setting'),
  value: nullable(text('Its new value')),
  path: text('The file that was changed'),
  profile: nullable(text('The profile it belongs to')),
  hiddenBy: nullable(text('The file that also sets it, and wins in this folder')),
  changed: flag('Whether the file had to be changed'),
})

export const settingsCheck = object('SettingsCheck', {
  path: text('The file'),
  scope: choice(['folder', 'user'], 'Whether it is the one in the current folder or your own'),
  exists: flag('Whether the file exists'),
  ok: flag('Whether it has no errors'),
  profiles: list(text('Name of a profile'), 'Profiles in it'),
  problem: nullable(text('The first error, and how to fix it')),
})

export const settingsProfile = object('SettingsProfile', {
  name: text('Its name, for --profile'),
  inUse: flag('Whether it is in use'),
  db: nullable(text('The database it sets; null when it sets none')),
  paths: list(text('A file'), 'The files that define it, highest priority first'),
})

export const programInfo = object('ProgramInfo', {
  version: text('Version of this program'),
  bun: text('Version of Bun that it runs on'),
})

export const demoReport = object('DemoReport', {
  ok: flag('Whether every step succeeded'),
  steps: list(
    object('DemoStep', {
      about: text('What the step shows'),
      command: text('What was run'),
      exit: integer('Its exit code'),
      output: text('What it printed'),
    }),
    'Every step, in order',
  ),
})

/** A run of the server, once it is over. */
export const served = object('Served', {
  addresses: list(text('URL, or unix: and a path'), 'Where it listened'),
  startedAt: time('When it started'),
  stoppedAt: time('When the last request was answered and all usage was written to disk'),
  signal: nullable(choice(['SIGINT', 'SIGTERM'], 'What ended it; null in a dry run')),
  requests: integer('Number of requests answered'),
})

export const studio = object('Studio', {
  address: text('The page that shows it'),
  startedAt: time('When it started'),
  stoppedAt: time('When it ended and its copy was deleted'),
  signal: choice(['SIGINT', 'SIGTERM'], 'What ended it'),
})

/** How far something long has come, for `--progress json`. */
export const progress = object('Progress', {
  step: choice(progressSteps, 'The current step; one command may have several, and repeat them'),
  done: integer('How much of the step is done'),
  total: nullable(integer('Size of the whole step; null when unknown')),
  unit: choice(progressUnits, 'Unit of done and total'),
  rate: nullable(number('Units per second since the step started; null until something is done')),
  etaMs: nullable(integer('Milliseconds left, at that rate')),
})

export type HealthReport = Of<typeof healthReport>
export type CompletionInstalled = Of<typeof completionInstalled>
export type ManPage = Of<typeof manPage>
export type ConfigValue = Of<typeof configValue>
export type ConfigChange = Of<typeof configChange>
export type SettingsCheck = Of<typeof settingsCheck>
export type SettingsProfile = Of<typeof settingsProfile>
export type ProgramInfo = Of<typeof programInfo>
export type Studio = Of<typeof studio>
export type Served = Of<typeof served>
export type DemoReport = Of<typeof demoReport>
/** How far an operation has come; whoever shows it works out the rest. */
export type Progress = Omit<Of<typeof progress>, 'rate' | 'etaMs'>
export type ProgressListener = (progress: Progress) => void
