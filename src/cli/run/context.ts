/** Makes what a command may reach while it runs. Opens and loads nothing before it is asked for. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Actor, Latchkey } from '../../index.ts'
import type { StopSignal } from '../../server/serve.ts'
import { type Environment, located } from '../../system/home.ts'
import { isAddress, type NoPath, pathProblem, placeProblem } from '../../text/address.ts'
import type { Asking, Context, Effect, Invoke, Tree } from '../declare/declaration.ts'
import type { ProgressDisplay } from '../draw/progress-display.ts'
import type { Config } from '../settings/config.ts'
import { printable } from '../terminal/printable.ts'
import type { Streams } from '../terminal/streams.ts'
import { createIncoming } from './incoming.ts'

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
  readonly tree: Tree
  readonly dryRun: boolean
  readonly quiet: boolean
  readonly csvVerbatim: boolean
}

/** Nothing is opened or loaded before it is asked for. */
export function createContext(surroundings: Surroundings): Context {
  const { streams, config, asking, progress, actor, now, cwd, env, again, stopped, dryRun } = surroundings
  let opened: Promise<Latchkey> | undefined

  const at = (typed: string): string => {
    requireNone(pathProblem(typed))
    return located(typed, cwd, config.home)
  }
  const connector = () => connectorOf(surroundings)
  const operations = (): Promise<Latchkey> => {
    opened ??= connector().then(connect => connect())
    return opened
  }

  const say = async (text: string): Promise<void> => {
    await progress.clear()
    await streams.stderr.write(`${printable(again(text))}\n`)
  }

  return {
    ...asking,
    ...createIncoming(streams, at, asking, surroundings.csvVerbatim),
    operations,
    connector,
    now,
    ago: async moment => {
      const { createBrush } = await import('../draw/table.ts')
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
    path: at,
    place: typed => {
      requireNone(placeProblem(typed))
      return isAddress(typed) ? typed : at(typed)
    },
    notice: async text => (surroundings.quiet ? undefined : say(text)),
    warn: text => say(`latchkey: ${text}`),
    stderr: streams.stderr,
    stopped,
    env,
    folder: cwd,
    tree: surroundings.tree,
    endProgress: progress.end,
    close: async () => {
      await progress.end()
      const latchkey = await opened?.catch(() => undefined)
      opened = undefined
      await latchkey?.close()
    },
  }
}

/** Loads the library, and gives what makes a connection by the settings of the run. */
async function connectorOf(surroundings: Surroundings): Promise<(onReplaced?: () => void) => Latchkey> {
  const { config, effect, dryRun, actor, env, now, progress } = surroundings
  const { connectLatchkey } = await import('../../index.ts')
  return onReplaced =>
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
      onReplaced,
    })
}

function requireNone(wrong: NoPath | undefined): void {
  if (wrong) throw new LatchkeyError('usage', wrong.problem, wrong.hint)
}
