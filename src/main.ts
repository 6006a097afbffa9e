/**
 * The program: an argument list, an environment and streams in, an exit code out. Must never touch `process`,
 * so that tests drive all of it, and must load nothing that the command at hand does not need.
 */
import { dirname, resolve } from 'node:path'
import { wantedPager, wantsColor, wantsPictures, wantsUnicode } from './cli/color.ts'
import { filesAnswer, question } from './cli/completion.ts'
import {
  type Config,
  type ConfigFlags,
  defaultConfig,
  type Environment,
  environmentConfig,
  type Format,
  isFormat,
  resolveConfig,
} from './cli/config.ts'
import { createContext } from './cli/context.ts'
import type { ParseContext } from './cli/define.ts'
import { execute, isConfirmed } from './cli/execute.ts'
import { renderFailure } from './cli/fail.ts'
import { repeating } from './cli/next-step.ts'
import { whoAndWhence } from './cli/origin.ts'
import { isForPeople, parseFields } from './cli/present.ts'
import { printable } from './cli/printable.ts'
import { type Globals, type Invocation, readCommandLine } from './cli/program.ts'
import { createProgress } from './cli/progress.ts'
import { asking, isInteractive, type Prompts, terminalPrompts } from './cli/prompt.ts'
import { ClosedPipe, memoryOutput, type Streams } from './cli/streams.ts'
import { createBrush } from './cli/table.ts'
import { type Tree, tree } from './cli/tree.ts'
import type { Invoke } from './cli/tutorial.ts'
import { exitCodes, LatchkeyError } from './contract/errors.ts'
import { failureOf } from './contract/failure.ts'
import type { Latchkey } from './index.ts'
import { programVersion } from './version.ts'

export interface Overrides {
  readonly now?: () => Date
  readonly prompts?: Prompts
  readonly tree?: Tree
  /** Folder against which paths are meant. */
  readonly cwd?: string
  /** Resolves when the process is told to stop; never, where nobody can tell it. */
  readonly stopped?: () => Promise<'SIGINT' | 'SIGTERM'>
  /** How this program is started, by absolute paths. */
  readonly program?: readonly string[]
}

/** `argv` begins with the noun. Resolves to the exit code, and never rejects. */
export async function main(
  argv: readonly string[],
  env: Environment,
  streams: Streams,
  overrides: Overrides = {},
): Promise<number> {
  if (argv[0] === question) return answer(argv.slice(1), env, streams, overrides)
  const cwd = overrides.cwd ?? resolve('.')
  const place = { env, streams, overrides, cwd }
  const invocation = await read(argv, place)
  let format: Format = 'table'
  try {
    if (invocation.kind === 'help') return await help(invocation, streams)
    format = typedFormat(invocation.globals)?.format ?? settledFormat(env, cwd)
    if (invocation.kind === 'refused') throw invocation.error
    const config = configOf(invocation, place)
    format = config.output
    return await runComplete(argv, invocation, config, place)
  } catch (error) {
    if (error instanceof ClosedPipe) return 0
    const failure = failureOf(error)
    const again = repeating(invocation.kind === 'help' ? {} : invocation.globals)
    const shown = { ...failure, hint: again(failure.hint) }
    await streams.stderr.write(renderFailure(shown, format, env['LATCHKEY_DEBUG'] === '1'))
    return failure.exit
  }
}

const read = (argv: readonly string[], { overrides, streams }: Place): Promise<Invocation> =>
  readCommandLine(argv, overrides.tree ?? tree, {
    version: programVersion,
    width: streams.stdout.columns ?? 80,
  })

function configOf({ declaration, globals }: Runnable, { env, cwd }: Place): Config {
  const output = agreedFormat(globals)
  const flags = { db: globals.db, tz: globals.tz, profile: globals.profile, output }
  return (declaration.mendsSettings ? lenientConfig : resolveConfig)(env, cwd, flags)
}

/** Tells a shell what may come next; whatever goes wrong, it says nothing. */
async function answer(
  words: readonly string[],
  env: Environment,
  streams: Streams,
  overrides: Overrides,
): Promise<number> {
  try {
    const cwd = overrides.cwd ?? resolve('.')
    const given = (flag: string) => words[words.lastIndexOf(flag) + 1 || words.length]
    const { complete } = await import('./cli/complete.ts')
    const settings = { db: given('--db'), profile: given('--profile') }
    const found = await complete(words, () => openForReading(resolveConfig(env, cwd, settings), env))
    const lines = found === 'files' ? [filesAnswer] : found.map(({ value, about }) => `${value}\t${about}`)
    // A name may hold anything; a line break would make two of it.
    await streams.stdout.write(
      lines
        .filter(line => !line.includes('\n'))
        .map(line => `${line}\n`)
        .join(''),
    )
  } catch {
    // There is nobody to tell: the person is typing.
  }
  return 0
}

async function openForReading(config: Config, env: Environment): Promise<Latchkey> {
  const { connectLatchkey } = await import('./index.ts')
  return connectLatchkey({ path: config.db, access: 'read', backupDir: config.backupDir, env })
}

/** The format of the settings, for errors that come before anything else; broken settings are told of later. */
function settledFormat(env: Environment, cwd: string): Format {
  try {
    return resolveConfig(env, cwd, {}).output
  } catch {
    return 'table'
  }
}

function lenientConfig(env: Environment, cwd: string, flags: ConfigFlags): Config {
  for (const resolved of [resolveConfig, environmentConfig]) {
    try {
      return resolved(env, cwd, flags)
    } catch (error) {
      if (!(error instanceof LatchkeyError) || error.code !== 'config') throw error
    }
  }
  return defaultConfig(env, cwd, flags)
}

async function help(
  { text, exit }: Invocation & { kind: 'help' },
  { stdout, stderr }: Streams,
): Promise<number> {
  await (exit === 0 ? stdout : stderr).write(text)
  return exit
}

type Runnable = Invocation & { kind: 'run' }

interface Place {
  readonly env: Environment
  readonly streams: Streams
  readonly overrides: Overrides
  readonly cwd: string
}

/** Runs what was typed, with what a person adds where something is missing. */
async function runComplete(
  argv: readonly string[],
  typed: Runnable,
  config: Config,
  place: Place,
): Promise<number> {
  const { streams, env, overrides } = place
  if (!isInteractive(streams, env, !typed.globals.input)) return run(typed, config, place)
  const now = overrides.now?.() ?? new Date()
  const { from } = typed.input({ now, timeZone: config.timeZone })
  const { askMissing, shellLine } = await import('./cli/ask.ts')
  const line = await askMissing(argv, typed, {
    prompts: overrides.prompts ?? terminalPrompts(streams.terminal),
    config,
    now,
    from: from === undefined ? undefined : String(from),
    open: () => openForReading(config, env),
    problem: words => rehearse(words, place),
  })
  if (line === argv) return run(typed, config, place)
  let whole = line
  const tell = () => streams.stderr.write(`The same without questions:\n  ${printable(shellLine(whole))}\n`)
  try {
    const [invocation, settled] = await understand(line, place)
    if (willConfirm(invocation, { now, timeZone: settled.timeZone })) whole = confirmed(line)
    const code = await run(invocation, settled, place)
    await tell()
    return code
  } catch (error) {
    // Who has left it has no use for it; who was refused can mend it.
    const { code } = failureOf(error)
    if (code !== 'not_confirmed' && code !== 'interrupted') await tell()
    throw error
  }
}

const willConfirm = ({ declaration, input, yes, dryRun }: Runnable, context: ParseContext): boolean =>
  !yes && !dryRun && isConfirmed(declaration, input(context))

/** With the answer to the last question in it, among the options. */
const confirmed = (line: readonly string[]): readonly string[] =>
  line.toSpliced(line.includes('--') ? line.indexOf('--') : line.length, 0, '--yes')

/** What is wrong with a command line as far as it goes: with all that it needs it is run as a dry run, unseen. */
async function rehearse(argv: readonly string[], place: Place): Promise<string | undefined> {
  try {
    const [invocation, config] = await understand(argv, place)
    const stdin = { isTerminal: false, text: async () => '', chunks: () => new Blob([]).stream() }
    const streams = { stdin, stdout: memoryOutput(), stderr: memoryOutput() }
    if (invocation.missing.length > 0) invocation.input({ now: new Date(), timeZone: config.timeZone })
    else await run({ ...invocation, dryRun: true, yes: true }, config, { ...place, streams })
    return undefined
  } catch (error) {
    const { code, exit, message, hint } = failureOf(error)
    // What no other answer would mend is told of when it is run.
    if (exit !== exitCodes.usage && exit !== exitCodes.not_found && exit !== exitCodes.conflict)
      return undefined
    return code === 'usage' ? `${message}; ${hint}` : message
  }
}

async function understand(argv: readonly string[], place: Place): Promise<[Runnable, Config]> {
  const invocation = await read(argv, place)
  if (invocation.kind === 'refused') throw invocation.error
  if (invocation.kind === 'help') throw new LatchkeyError('usage', 'that asks for help', 'latchkey --help')
  return [invocation, configOf(invocation, place)]
}

async function run(invocation: Runnable, config: Config, place: Place): Promise<number> {
  if (invocation.missing[0] !== undefined) throw invocation.missing[0].error
  const { declaration, globals, dryRun, yes } = invocation
  const { env, streams, overrides, cwd } = place
  const now = overrides.now ?? (() => new Date())
  const interactive = isInteractive(streams, env, !globals.input)
  const prompts = overrides.prompts ?? terminalPrompts(streams.terminal)
  const terminal = streams.stdout.isTerminal
  const again = repeating(globals)
  const actor = whoAndWhence(env, streams.stdin.isTerminal || streams.stderr.isTerminal)
  return execute({
    declaration,
    input: invocation.input({
      now: now(),
      get timeZone() {
        return config.timeZone
      },
    }),
    context: createContext({
      streams,
      config,
      asking: asking(interactive, prompts),
      progress: createProgress(streams.stderr, {
        mode: globals.progress,
        unicode: wantsUnicode(env),
        dumb: env['TERM'] === 'dumb',
      }),
      actor,
      now,
      cwd,
      env,
      program: overrides.program ?? ['latchkey'],
      invoke: invoker({
        env: () => ({ ...env, LATCHKEY_ACTOR: actor.name, LATCHKEY_TZ: config.timeZone }),
        columns: terminal && isForPeople(config.output) ? streams.stdout.columns : undefined,
        overrides,
      }),
      again,
      stopped: overrides.stopped ?? (() => new Promise(() => {})),
      effect: declaration.effect,
      dryRun,
    }),
    presentation: {
      // Text has one form. That a setting asks for JSON elsewhere is no reason to refuse it.
      format: declaration.text && agreedFormat(globals) === undefined ? 'table' : config.output,
      fields: globals.fields === undefined ? undefined : parseFields(globals.fields),
      pager: interactive && globals.pager ? wantedPager(env) : undefined,
      again,
    },
    yes,
    streams,
    brush: () =>
      createBrush({
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

interface Inside {
  readonly env: () => Environment
  /** Given when what comes out will be shown on a terminal of that width. */
  readonly columns: number | undefined
  readonly overrides: Overrides
}

/** Keeps of the environment what says who acts and how things look, and nothing that leads to real data. */
function invoker({ env, columns, overrides }: Inside): Invoke {
  return async (words, { db, stdin = '' }) => {
    const folder = dirname(db)
    const kept = [
      'LATCHKEY_ACTOR',
      'LATCHKEY_TZ',
      'TERM',
      'LANG',
      'LC_ALL',
      'LC_CTYPE',
      'NO_COLOR',
      'FORCE_COLOR',
      'COLORTERM',
    ]
    const outside = env()
    const clean = Object.fromEntries(kept.map(name => [name, outside[name]]))
    const stdout = memoryOutput(columns)
    const stderr = memoryOutput()
    const input = { isTerminal: false, text: async () => stdin, chunks: () => new Blob([stdin]).stream() }
    const inside = { ...clean, HOME: folder, LATCHKEY_DB: db }
    const code = await main(words, inside, { stdin: input, stdout, stderr }, { ...overrides, cwd: folder })
    return { code, out: stdout.text(), err: stderr.text() }
  }
}

interface TypedFormat {
  readonly flag: string
  readonly format: Format
}

function typedFormats({ json, quiet, output }: Globals): readonly TypedFormat[] {
  const typed: TypedFormat[] = []
  if (json) typed.push({ flag: '--json', format: 'json' })
  if (quiet) typed.push({ flag: '-q', format: 'name' })
  if (isFormat(output)) typed.push({ flag: `-o ${output}`, format: output })
  return typed
}

const typedFormat = (globals: Globals): TypedFormat | undefined => typedFormats(globals)[0]

function agreedFormat(globals: Globals): Format | undefined {
  const [first, ...others] = typedFormats(globals)
  const other = others.find(({ format }) => format !== first?.format)
  if (first === undefined || other === undefined) return first?.format
  throw new LatchkeyError(
    'usage',
    `${first.flag} and ${other.flag} contradict each other`,
    'give only one of them',
  )
}
