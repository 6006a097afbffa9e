/**
 * What a command may reach while it runs: the operations, the clock, stdin, a person. Operations are loaded
 * when first asked for. Declarations import its type only; it must never be imported by them for values.
 */
import { isAddress } from '../address.ts'
import { LatchkeyError } from '../contract/errors.ts'
import type {
  CompletionInstalled,
  ConfigChange,
  ConfigValue,
  ProgramInfo,
  Served,
  SettingsCheck,
  SettingsProfile,
  Studio,
} from '../contract/views.ts'
import { located } from '../home.ts'
import type { Actor, Latchkey, UsageOverview } from '../index.ts'
import type { HostPort } from '../server/listen.ts'
import type { StopSignal } from '../server/serve.ts'
import { programVersion } from '../version.ts'
import type { Asking } from './asking.ts'
import type { Shell } from './completion.ts'
import {
  type Change,
  type Config,
  changeSettings,
  checkSettings,
  type Environment,
  listProfiles,
} from './config.ts'
import type { Effect } from './define.ts'
import { createIncoming, type Incoming } from './incoming.ts'
import type { Invoke } from './invoke.ts'
import { printable } from './printable.ts'
import type { ProgressDisplay } from './progress.ts'
import type { NewSecretFile } from './secret-file.ts'
import type { SettingName } from './settings-file.ts'
import type { Streams } from './streams.ts'

export interface Context extends Asking, Incoming {
  /** The operations on the configured database: for reading alone unless the command changes something. */
  readonly operations: () => Promise<Latchkey>
  readonly now: () => Date
  /** `2026-11-20 03:00 (9 h ago)`, for who has to decide on it. */
  readonly ago: (moment: Date) => Promise<string>
  readonly timeZone: string
  readonly dryRun: boolean
  readonly config: Config
  readonly actor: Actor
  /** How this program is started, by absolute paths: for whoever starts it later. */
  readonly program: readonly string[]
  /** An absolute path from one that was typed; `s3://…` stays as it is. */
  readonly path: (typed: string) => string
  /** One setting and where it comes from. */
  readonly setting: (name: SettingName) => ConfigValue
  readonly checkSettings: () => readonly SettingsCheck[]
  /** The profiles of all files of settings that can be read. */
  readonly profiles: () => readonly SettingsProfile[]
  /** This program and what it runs on. */
  readonly programInfo: () => ProgramInfo
  /** Changes a file of settings, but not in a dry run. @throws config */
  readonly changeSetting: (change: Omit<Change, 'dryRun'>) => Promise<ConfigChange>
  /** Makes the command lines in a text fit the one that was typed; see `next-step.ts`. */
  readonly again: (text: string) => string
  /** A line for people, on stderr; none in a quiet run. */
  readonly notice: (text: string) => Promise<void>
  /** Something that went wrong although the command goes on, on stderr. */
  readonly warn: (text: string) => Promise<void>
  /** Runs another command line in this process, on a database of its own. */
  readonly invoke: Invoke
  /** Runs `work` with a new file for secrets, or without one when none was typed; see `secret-file.ts`. */
  readonly withSecretFile: <T>(
    typed: string | undefined,
    work: (file: NewSecretFile | undefined) => Promise<T>,
  ) => Promise<T>
  /** Writes an HTML file about what `read` gives, and gives it back. @throws conflict, usage, permission */
  readonly withUsagePage: (page: PageFile, read: () => Promise<UsageOverview>) => Promise<UsageOverview>
  /** Puts the completion script of a shell in its place; see `completion-file.ts`. @throws usage, permission */
  readonly installCompletion: (
    shell: Shell | undefined,
    folder: string | undefined,
  ) => Promise<CompletionInstalled>
  /** Shows a copy of the database in Drizzle Studio; see `studio.ts`. @throws config, conflict */
  readonly studio: (port: number | undefined) => Promise<Studio>
  /** Serves the configured database over HTTP until the process is told to stop. @throws usage, conflict, permission */
  readonly serve: (options: Serving) => Promise<Served>
  /** Closes what was opened. */
  readonly close: () => Promise<void>
}

/** Where a page goes. */
interface PageFile {
  readonly file: string
  /** Whether it may take the place of another. */
  readonly replace: boolean
}

/** Where the server listens. */
interface Serving {
  readonly listen: HostPort | undefined
  readonly unix: string | undefined
  readonly allowRemote: boolean
}

/** What a context is made of. */
export interface Surroundings {
  readonly streams: Streams
  readonly config: Config
  readonly asking: Asking
  readonly progress: ProgressDisplay
  readonly actor: Actor
  readonly now: () => Date
  readonly cwd: string
  readonly env: Environment
  /** How this program is started, by absolute paths. */
  readonly program: readonly string[]
  readonly invoke: Invoke
  /** Resolves when the process is told to stop. */
  readonly stopped: () => Promise<StopSignal>
  /** Makes the command lines in a text fit the one that was typed. */
  readonly again: (text: string) => string
  readonly effect: Effect
  readonly dryRun: boolean
  readonly quiet: boolean
  readonly csvVerbatim: boolean
}

/** Nothing is opened or loaded before it is asked for. */
export function createContext(surroundings: Surroundings): Context {
  const { streams, config, asking, progress, actor, now, cwd, env, again, stopped, dryRun } = surroundings
  let opened: Promise<Latchkey> | undefined

  const at = (typed: string): string => located(typed, cwd, config.home)
  const operations = (): Promise<Latchkey> => {
    opened ??= connector(surroundings).then(connect => connect())
    return opened
  }

  const say = async (text: string): Promise<void> => {
    await progress.clear()
    await streams.stderr.write(`${printable(again(text))}\n`)
  }
  const notice: Context['notice'] = async text => (surroundings.quiet ? undefined : say(text))

  return {
    ...asking,
    ...createIncoming(streams, at, asking, surroundings.csvVerbatim),
    operations,
    now,
    ago: async moment => {
      const { createBrush } = await import('./table.ts')
      const { timeZone } = config
      const plain = { color: false, width: undefined, unicode: true, pictures: false }
      return (await createBrush({ ...plain, relative: true, timeZone, now: now() })).dated(moment)
    },
    get timeZone() {
      return config.timeZone
    },
    dryRun,
    config,
    actor,
    again,
    invoke: surroundings.invoke,
    program: surroundings.program,
    path: typed => (isAddress(typed) ? typed : at(typed)),
    setting: name =>
      config.values.find(value => value.name === name) ?? { name, value: null, source: 'default' },
    checkSettings: () => checkSettings(config),
    profiles: () => listProfiles(config),
    programInfo: () => ({ version: programVersion, bun: Bun.version }),
    changeSetting: change => changeSettings(config, { ...change, dryRun }),
    notice,
    warn: text => say(`latchkey: ${text}`),
    withSecretFile: async (typed, work) => {
      if (typed === undefined) return work(undefined)
      if (typed === '-') {
        throw new LatchkeyError('usage', '--out names a new file, and - is none', 'for stdout, use --raw')
      }
      const { withNewSecretFile } = await import('./secret-file.ts')
      return withNewSecretFile(at(typed), dryRun, work)
    },
    withUsagePage: async ({ file, replace }, read) => {
      if (file === '-') {
        throw new LatchkeyError(
          'usage',
          '--html names a new file, and - is none',
          'name it: --html usage.html',
        )
      }
      const { usagePage } = await import('./page/usage.ts')
      const fill = async (write: (text: string) => Promise<void>): Promise<UsageOverview> => {
        const overview = await read()
        await write(usagePage(overview))
        return overview
      }
      if (!replace) return (await import('./new-file.ts')).withNewFile(at(file), fill)
      const { writeWhole } = await import('./whole-file.ts')
      return fill(text => writeWhole(at(file), text, 0o600))
    },
    installCompletion: async (shell, folder) => {
      const { installCompletion } = await import('./completion-file.ts')
      return installCompletion({ shell, folder: folder && at(folder), env, dryRun })
    },
    studio: async (port = 4983) => {
      const { runStudio } = await import('./studio.ts')
      const { database } = await operations()
      const copyTo = (to: string) => database.copy({ to })
      return runStudio({ port, cwd, env, copyTo, notice, now, stopped })
    },
    serve: options =>
      serveConfigured(surroundings, {
        ...options,
        unix: options.unix === undefined ? undefined : at(options.unix),
      }),
    close: async () => {
      await progress.end()
      const latchkey = await opened?.catch(() => undefined)
      opened = undefined
      await latchkey?.close()
    },
  }
}

/** Loads the library, and gives what makes a connection by the settings of the run. */
async function connector(surroundings: Surroundings): Promise<() => Latchkey> {
  const { config, effect, dryRun, actor, env, now, progress } = surroundings
  const { connectLatchkey } = await import('../index.ts')
  return () =>
    connectLatchkey({
      path: config.db,
      access: effect === 'read' ? 'read' : 'write',
      dryRun,
      actor,
      backupDir: config.backupDir,
      keep: config.backupKeep,
      ageRecipientsFile: config.ageRecipientsFile,
      ageIdentityFile: config.ageIdentityFile,
      env,
      now,
      onProgress: progress.tell,
    })
}

/** Its log goes to stderr: text for people at a terminal, JSON for programs. */
async function serveConfigured(surroundings: Surroundings, options: Serving): Promise<Served> {
  const { streams, config, now, dryRun, stopped } = surroundings
  const { stderr } = streams
  const [connect, { serve }, { createLog, logLine, logText }] = await Promise.all([
    connector(surroundings),
    import('../server/serve.ts'),
    import('../server/log.ts'),
  ])
  const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: config.timeZone })
  return serve({
    ...options,
    dryRun,
    path: config.db,
    connect,
    now,
    stopped,
    log: createLog(stderr.write, entry => {
      const at = now()
      return stderr.isTerminal ? logText(entry, clock.format(at)) : logLine(entry, at)
    }),
  })
}
