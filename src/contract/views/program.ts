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
  damaged: flag('Whether the file or its schema is not what it must be: restore or mend it'),
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
          'permissions',
          'disk_space',
          'last_backup',
          'clock',
          'wal',
          'age_files',
          'schedule',
          'backup_bytes',
        ],
        'What was looked at',
      ),
      status: choice(['ok', 'warning', 'failed', 'skipped'], 'What was found'),
      value: nullable(anything('What was measured: bytes, milliseconds, versions')),
      problem: nullable(text('What is wrong')),
      mend: nullable(text('What to do about it')),
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
  shell: choice(['bash', 'zsh', 'fish'], 'What it completes in'),
  path: text('Where the script is'),
  changed: flag('Whether it was not there like this before'),
  activate: nullable(text('What else it takes; null when nothing')),
})

export const manPage = object('ManPage', {
  name: text('Its name, such as latchkey-key-create'),
  section: integer('Its section of the manual'),
  path: nullable(text('Where it was written; null when it was only printed')),
  text: text('The page in roff, of man(7)'),
})

export const configValue = object('ConfigValue', {
  name: text('Name of the setting'),
  value: nullable(text('Its value')),
  source: text('flag, a variable of the environment, a file, or default'),
})

export const configChange = object('ConfigChange', {
  name: text('Name of the setting'),
  value: nullable(text('Its new value')),
  path: text('The file that was changed'),
  profile: nullable(text('The profile it belongs to')),
  hiddenBy: nullable(text('The file whose own value of it wins in this folder')),
})

export const settingsCheck = object('SettingsCheck', {
  path: text('The file'),
  scope: choice(['folder', 'user'], 'Whether it lies in the current folder or belongs to the user'),
  exists: flag('Whether there is such a file'),
  ok: flag('Whether all of it can be used'),
  profiles: list(text('Name of a profile'), 'Profiles in it'),
  problem: nullable(text('The first thing that is wrong, and how to mend it')),
})

export const settingsProfile = object('SettingsProfile', {
  name: text('Its name, as --profile takes it'),
  inUse: flag('Whether its settings come first in this run'),
  db: nullable(text('The database that it names; null when it names none')),
  paths: list(text('A file'), 'The files that have it, those that win first'),
})

export const programInfo = object('ProgramInfo', {
  version: text('Version of this program'),
  bun: text('Version of Bun that it runs on'),
})

export const demoReport = object('DemoReport', {
  ok: flag('Whether every step went as it should'),
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
  startedAt: time('When it began to'),
  stoppedAt: time('When the last request was answered and all usage was on disk'),
  signal: nullable(choice(['SIGINT', 'SIGTERM'], 'What ended it; null in a dry run')),
  requests: integer('Requests that were answered'),
})

export const studio = object('Studio', {
  address: text('The page that shows it'),
  startedAt: time('When it began to'),
  stoppedAt: time('When it had ended, and its copy was gone'),
  signal: choice(['SIGINT', 'SIGTERM'], 'What ended it'),
})

/** How far something long has come, for `--progress json`. */
export const progress = object('Progress', {
  step: choice(progressSteps, 'What is going on; one run goes through several, perhaps more than once'),
  done: integer('How much of the step is done'),
  total: nullable(integer('How much there is of it; null when nobody knows beforehand')),
  unit: choice(progressUnits, 'What is counted'),
  rate: nullable(number('Units a second since the step began; null as long as nothing is done')),
  etaMs: nullable(integer('Milliseconds until the step is done, at that rate')),
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
