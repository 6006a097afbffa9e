/** Creates what a command can use while it runs. Nothing is opened or loaded before it is used. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Actor, Latchkey } from '../../index.ts'
import { located } from '../../system/home.ts'
import {
  databaseProblem,
  isAddress,
  isServerUrl,
  type NoPath,
  pathProblem,
  placeProblem,
} from '../../text/address.ts'
import type { Asking, Connect, Context, Effect } from '../declare/declaration.ts'
import type { ProgressDisplay } from '../draw/progress-display.ts'
import { printable } from '../terminal/printable.ts'
import type { Streams } from '../terminal/streams.ts'
import { createIncoming } from './incoming.ts'

/** The parts of a context that are passed on unchanged. */
type Given = Pick<
  Context,
  'again' | 'config' | 'dryRun' | 'env' | 'folder' | 'invoke' | 'now' | 'program' | 'stopped' | 'tree'
>

/** What a context is created from. */
export interface Surroundings {
  readonly actor: Actor
  readonly given: Given
  readonly streams: Streams
  readonly asking: Asking
  readonly progress: ProgressDisplay
  readonly effect: Effect
  readonly quiet: boolean
  readonly csvVerbatim: boolean
}

export function createContext(surroundings: Surroundings): Context {
  const { given, streams, asking, progress, quiet, csvVerbatim } = surroundings
  const { config, now, again } = given
  let opened: Promise<Latchkey> | undefined

  const at = (typed: string): string => {
    requireNone(pathProblem(typed))
    return located(typed, given.folder, config.home)
  }
  const say = async (text: string): Promise<void> => {
    await progress.clear()
    await streams.stderr.write(`${printable(again(text))}\n`)
  }
  const warn = (text: string) => say(`latchkey: ${text}`)
  const connector = () => connectorOf(surroundings, text => void warn(text))

  return {
    ...given,
    ...asking,
    ...createIncoming(streams, at, asking, csvVerbatim),
    operations: () => {
      opened ??= connector().then(connect => connect())
      return opened
    },
    connector,
    ago: async moment => {
      const { createBrush } = await import('../draw/table.ts')
      const { timeZone } = config
      const plain = { color: false, width: undefined, unicode: true, pictures: false }
      return (await createBrush({ ...plain, relative: true, timeZone, now: now() })).dated(moment)
    },
    path: ifTyped(at),
    database: typed => {
      requireNone(databaseProblem(typed))
      return isServerUrl(typed) ? typed : at(typed)
    },
    place: ifTyped(typed => {
      requireNone(placeProblem(typed))
      return isAddress(typed) ? typed : at(typed)
    }),
    notice: async text => (quiet ? undefined : say(text)),
    warn,
    stderr: streams.stderr,
    endProgress: progress.end,
    close: async () => {
      await progress.end()
      const latchkey = await opened?.catch(() => undefined)
      opened = undefined
      await latchkey?.close()
    },
  }
}

/** Loads the library. Returns a function that connects with the settings of the run. */
async function connectorOf(surroundings: Surroundings, warn: (text: string) => void): Promise<Connect> {
  const { given, actor, effect, progress } = surroundings
  const { config, dryRun, env, now } = given
  const { connectLatchkey } = await import('../../index.ts')
  return more =>
    connectLatchkey({
      path: config.db,
      access: effect === 'read' ? 'read' : 'write',
      dryRun,
      actor,
      backupDir: config.backupDir,
      keep: config.backupKeep,
      ageRecipientsFile: config.ageRecipientsFile,
      ageIdentityFile: config.ageIdentityFile,
      maxEndUsers: config.maxEndUsers,
      env,
      now,
      onProgress: progress.tell,
      ...more,
      onWarning: warn,
      unpriced: config.unpriced,
    })
}

function requireNone(wrong: NoPath | undefined): void {
  if (wrong) throw new LatchkeyError('usage', wrong.problem, wrong.hint)
}

/** undefined stays undefined. */
const ifTyped =
  (read: (typed: string) => string) =>
  <T extends string | undefined>(typed: T): T =>
    (typed === undefined ? undefined : read(typed)) as T
