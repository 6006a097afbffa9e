/**
 * Runs a parsed command line: reads the settings, creates the context, and decides how the result is presented. Never
 * asks for missing values; `wizard.ts` does.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { StopSignal } from '../../server/serve.ts'
import type { Environment } from '../../system/home.ts'
import { programVersion } from '../../system/version.ts'
import type { Context, Invoke, Tree } from '../declare/declaration.ts'
import { isForPeople, parseFields } from '../draw/present.ts'
import { createProgress } from '../draw/progress.ts'
import { type Invocation, readCommandLine } from '../line/program.ts'
import { type Config, resolveConfig, resolveLeniently } from '../settings/config.ts'
import { wantedPager, wantsColor, wantsPictures, wantsUnicode } from '../terminal/color.ts'
import { whoAndWhence } from '../terminal/origin.ts'
import type { Prompts } from '../terminal/prompt.ts'
import type { Streams } from '../terminal/streams.ts'
import { asking, isInteractive } from './asking.ts'
import { createContext } from './context.ts'
import { execute } from './execute.ts'
import { repeating } from './next-step.ts'

/** Taken from the process, or replaced by tests. */
interface World {
  readonly now: () => Date
  readonly prompts?: Prompts
  readonly tree: Tree
  /** The folder that relative paths start from. */
  readonly cwd: string
  /** Resolves when the process is told to stop. Never resolves if nobody can tell it. */
  readonly stopped: () => Promise<StopSignal>
  /** How this program is started, with absolute paths. */
  readonly program: readonly string[]
}

/** `argv` begins with the noun. Resolves to the exit code; never rejects. */
export type Main = (
  argv: readonly string[],
  env: Environment,
  streams: Streams,
  overrides?: Partial<World>,
) => Promise<number>

/** Everything that a run depends on besides its words. */
export interface Outside extends World {
  readonly env: Environment
  readonly streams: Streams
  /** Runs a command line within this one. */
  readonly main: Main
}

/** A command line that runs something, with its settings. */
export interface Settled extends Omit<Invocation & { kind: 'run' }, 'input'> {
  readonly config: Config
  /** undefined if nobody can answer. */
  readonly prompts: (() => Promise<Prompts>) | undefined
  /** Every argument and option, parsed once. @throws usage */
  readonly input: () => Record<string, unknown>
}

/** Parses a command line. An error is an invocation too, because its options decide how it is printed. */
export const read = (argv: readonly string[], { tree, streams }: Outside): Promise<Invocation> =>
  readCommandLine(argv, tree, {
    version: programVersion,
    width: streams.stdout.columns ?? 80,
  })

/** @throws config, or usage (a flag is not a valid setting) */
export function settle(invocation: Invocation & { kind: 'run' }, outside: Outside): Settled {
  const { declaration, globals } = invocation
  const { env, cwd, streams, now } = outside
  const flags = { db: globals.db, tz: globals.tz, profile: globals.profile, output: globals.format }
  const config = (declaration.mendsSettings ? resolveLeniently : resolveConfig)(env, cwd, flags)
  let input: Record<string, unknown> | undefined
  return {
    ...invocation,
    config,
    prompts: isInteractive(streams, env, globals.input)
      ? async () =>
          outside.prompts ?? (await import('../terminal/prompt.ts')).terminalPrompts(streams.terminal)
      : undefined,
    input: () => {
      // A getter, because the time zone is only needed if a date was typed.
      input ??= invocation.input({
        now: now(),
        get timeZone() {
          return config.timeZone
        },
      })
      return input
    },
  }
}

/** For a command line that runs something. @throws usage, config */
export async function understand(argv: readonly string[], outside: Outside): Promise<Settled> {
  const invocation = await read(argv, outside)
  if (invocation.kind === 'refused') throw invocation.error
  if (invocation.kind === 'help')
    throw new LatchkeyError('usage', 'this command line asks for help', 'latchkey --help')
  return settle(invocation, outside)
}

/** Returns the exit code. Throws what the command throws. @throws usage (a value is missing) */
export async function run(settled: Settled, outside: Outside): Promise<number> {
  const { declaration, globals, dryRun, config, missing, prompts } = settled
  if (missing[0] !== undefined) throw missing[0].error
  const { env, streams, now, cwd, program, tree, stopped, main } = outside
  const terminal = streams.stdout.isTerminal
  const again = repeating(settled)
  const actor = whoAndWhence(env, streams.stdin.isTerminal || streams.stderr.isTerminal)
  const progress = await createProgress(streams.stderr, {
    mode: globals.quiet && globals.progress === 'auto' ? 'never' : globals.progress,
    unicode: wantsUnicode(env),
    dumb: env['TERM'] === 'dumb',
  })
  const given = {
    config,
    now,
    env,
    again,
    folder: cwd,
    program,
    tree,
    stopped,
    invoke: async (...[words, options]: Parameters<Invoke>) =>
      (await import('./invoke.ts')).invokeInside(
        {
          env: { ...env, LATCHKEY_ACTOR: actor.name, LATCHKEY_TZ: config.timeZone },
          columns: terminal && isForPeople(config.output) ? streams.stdout.columns : undefined,
          main: (words, clean, inside, folder) => main(words, clean, inside, { ...outside, cwd: folder }),
        },
        words,
        options,
      ),
  }
  const { effect } = declaration
  const { quiet, csvVerbatim } = globals
  const surroundings = { actor, streams, asking: asking(prompts), progress, effect, quiet, csvVerbatim }
  const contextOf = (dryRun: boolean): Context =>
    createContext({ ...surroundings, given: { ...given, dryRun } })
  return execute({
    declaration,
    input: settled.input(),
    done: settled,
    context: contextOf(dryRun),
    rehearsal: () => contextOf(true),
    presentation: {
      // Text has only one format, so a setting that asks for JSON does not refuse it.
      format: declaration.prints.form === 'text' && globals.format === undefined ? 'table' : config.output,
      fields: globals.fields === undefined ? undefined : parseFields(globals.fields),
      csvVerbatim,
      pager: prompts !== undefined && globals.pager ? wantedPager(env) : undefined,
      again,
      dryRun,
    },
    quiet,
    yes: globals.yes,
    streams,
    brush: async () =>
      (await import('../draw/table.ts')).createBrush({
        color: wantsColor(terminal, env, !globals.color),
        width: terminal && config.output !== 'wide' ? (streams.stdout.columns ?? 80) : undefined,
        unicode: wantsUnicode(env),
        pictures: wantsPictures(terminal, globals.chart),
        relative: terminal && config.output !== 'wide',
        timeZone: config.timeZone,
        now: now(),
      }),
  })
}
