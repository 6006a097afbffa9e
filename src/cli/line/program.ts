/**
 * Turns declarations into a commander program and an argument list into a plain invocation. The only importer
 * of commander; must never run a command, read a file or write to a stream.
 */

import {
  Command,
  Argument as CommanderArgument,
  CommanderError,
  Option as CommanderOption,
  type CommandUnknownOpts,
  Help,
} from '@commander-js/extra-typings'
import { exitMeanings, LatchkeyError } from '../../contract/errors.ts'
import type { Declaration, Option, Tree } from '../declare/declaration.ts'
import { arg, isRepeatable } from '../declare/define.ts'
import type { ParseContext } from '../declare/parser.ts'
import { type ProgressMode, progressModes } from '../draw/progress.ts'
import { isNoText } from '../settings/config.ts'
import { nounAliases, verbAliases } from './aliases.ts'
import { argumentText, type CommonFlag, flagsOf, flagText, globalFlags, kebab, optionText } from './flags.ts'
import { operandsOf } from './operands.ts'
import { follow, type Reached } from './walk.ts'

/** What was given of the options that every command has. */
export interface Globals {
  readonly db?: string | undefined
  readonly output?: string | undefined
  readonly json: boolean
  /** Ids are asked for: `-q`. */
  readonly ids: boolean
  /** Nothing is said on success. */
  readonly quiet: boolean
  readonly yes: boolean
  readonly fields?: string | undefined
  readonly csvVerbatim: boolean
  readonly tz?: string | undefined
  readonly profile?: string | undefined
  readonly progress: ProgressMode
  readonly color: boolean
  readonly chart?: string | undefined
  readonly pager: boolean
  readonly input: boolean
}

/** A command line, understood. */
export type Invocation =
  | {
      readonly kind: 'run'
      readonly declaration: Declaration
      /** Names of the arguments and options that were given. */
      readonly given: ReadonlySet<string>
      /** What cannot be done without and was not given. */
      readonly missing: readonly Missing[]
      readonly globals: Globals
      readonly dryRun: boolean
      /** Reads every argument and option there is; throws `usage` naming the one that is wrong. */
      readonly input: (context: ParseContext) => Record<string, unknown>
    }
  | { readonly kind: 'help'; readonly text: string; readonly exit: number }
  | { readonly kind: 'refused'; readonly error: unknown; readonly globals: Globals }

/** A required argument or option that was left out. */
interface Missing {
  readonly name: string
  readonly error: LatchkeyError
}

export interface ProgramOptions {
  readonly version: string
  /** Columns that help may fill. */
  readonly width: number
}

/** Reads the command line, loading the one noun that it names. Never throws. */
export async function readCommandLine(
  argv: readonly string[],
  tree: Tree,
  options: ProgramOptions,
): Promise<Invocation> {
  let help = ''
  const write = (text: string): void => {
    help += text
  }
  let root: CommandUnknownOpts | undefined
  let chosen: Invocation | undefined
  const choose = (invocation: Invocation): void => {
    chosen = invocation
  }
  let path = 'latchkey'
  let at: Reached = []
  const operands = operandsOf(argv)
  const understood = async (words: readonly string[]) => {
    const invocation = await readCommandLine(words, tree, options)
    if (invocation.kind !== 'run') return undefined
    const { declaration, given } = invocation
    return { takesSecret: 'secret' in declaration.args && given.has('secret') }
  }
  try {
    // `help key list`, and what other programs take: `key help list`.
    const helpAt = operands.slice(0, 2).indexOf('help')
    const typed = helpAt < 0 ? operands : operands.toSpliced(helpAt, 1)
    const asksForHelp = helpAt >= 0 && typed.length > 0
    const way = await follow(tree, typed)
    const { steps, rest } = way
    at = way.at
    path = ['latchkey', ...steps.map(step => step.name)].join(' ')
    root = createRoot(options, write, 'run' in at ? Object.keys(at.options).map(kebab) : [])
    // The options are read twice: the second time from the start.
    root.saveStateBeforeParse()
    const { unknown } = root.parseOptions([...argv])
    requireText(argv)
    addCommands(root, tree, way, choose)
    if (operands.length === 0 && unknown.length === 0)
      return { kind: 'help', text: root.helpInformation() + rootFooter, exit: 0 }
    if (steps.length === 0 && rest[0] !== undefined)
      throw await (await import('./misuse.ts')).unknownCommand(rest, tree, { argv, understood })
    // Commander's own `help` goes one level deep.
    root.parse(asksForHelp ? [...steps.map(step => step.name), ...rest, '--help'] : [...argv], {
      from: 'user',
    })
    return chosen ?? { kind: 'help', text: root.helpInformation() + rootFooter, exit: 0 }
  } catch (error) {
    if (!(error instanceof CommanderError)) return { kind: 'refused', error, globals: globalsOf(root) }
    if (error.code === 'commander.help' && error.exitCode !== 0)
      return { kind: 'help', text: page(help), exit: 2 }
    if (error.exitCode === 0) return { kind: 'help', text: page(help), exit: 0 }
    const { usageError } = await import('./misuse.ts')
    const wrong = await usageError(error.message, { path, at, tree, argv, operands, understood })
    return { kind: 'refused', error: wrong, globals: globalsOf(root) }
  }
}

/** Bytes that are no UTF-8 arrive as U+FFFD: another file would be opened, another name stored. @throws usage */
function requireText(argv: readonly string[]): void {
  const broken = argv.find(isNoText)
  if (broken === undefined) return
  throw new LatchkeyError(
    'usage',
    `'${broken.toWellFormed()}' is not UTF-8, and cannot be read as it was meant`,
    'type it in a terminal that is set to UTF-8; rename a file whose name is not',
  )
}

/** `own` are the names that the command uses itself: there a global option goes by its letter alone. */
function createRoot(
  { version, width }: ProgramOptions,
  write: (text: string) => void,
  own: readonly string[],
): CommandUnknownOpts {
  const root: CommandUnknownOpts = new Command('latchkey')
  root
    .description(
      'Users, projects, API keys, rolling limits, migrations and backups of a self-hosted AI backend',
    )
    .version(`latchkey ${version}`, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Show help')
    .helpCommand('help [command]', 'Show help for a command')
    .usage('<command> [options]')
    .exitOverride()
    .configureOutput({
      writeOut: write,
      writeErr: write,
      outputError: () => {},
      getOutHelpWidth: () => width,
      getErrHelpWidth: () => width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({
      formatHelp: (command, helper) => commandsFirst(Help.prototype.formatHelp.call(helper, command, helper)),
      commandUsage: command => `${fullName(command)} ${command.usage()}`,
      showGlobalOptions: true,
      minWidthToWrap: 20,
      styleTitle: title => (title === 'Global Options:' ? 'Global options:' : title),
      optionDescription: option => option.description,
      subcommandTerm: command =>
        `${command.name()} ${command.usage()}`.replace(/ (\[options\]|<command>)/g, ''),
      visibleGlobalOptions: command =>
        command.name() === root.name() ? [] : root.options.filter(option => option.long !== '--version'),
    })
    .addHelpText('after', rootFooter)
  for (const flag of globalFlags) {
    root.addOption(commonOption(flag, own.includes(flag.name)).helpGroup('Global options:'))
  }
  return root
}

/** What there is to choose from comes before the options, which all commands share. */
function commandsFirst(help: string): string {
  const sections = help.split('\n\n')
  const commands = sections.findIndex(section => section.startsWith('Commands:'))
  const options = sections.findIndex(section => section.startsWith('Options:'))
  if (commands < options) return help
  const [moved = ''] = sections.splice(commands, 1)
  return sections.toSpliced(options, 0, moved.trimEnd()).join('\n\n')
}

/** Without the words that are understood as well. */
const fullName = (command: CommandUnknownOpts): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`

const page = (text: string): string => `${text.trimEnd()}\n`

const rootFooter = `
Exit codes:
${Object.entries(exitMeanings)
  .map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`)
  .join('\n')}

Get started: latchkey init, then latchkey key create --help
`

/** Adds the command that was meant, or what there is to choose from where none was. */
function addCommands(
  root: CommandUnknownOpts,
  tree: Tree,
  { steps, at }: Awaited<ReturnType<typeof follow>>,
  choose: (invocation: Invocation) => void,
): void {
  const words = steps.map(step => step.name)
  let command = root
  for (const [depth, { name, summary, among }] of steps.entries()) {
    const aliases = depth === 0 ? nounAliases(name, among) : verbAliases(name, among)
    command = addChoices(command.command(name).aliases(aliases), summary)
  }
  if ('run' in at) declare(command, at, words, root, choose)
  else if (steps.length === 0) {
    const nouns = Object.keys(tree)
    for (const [name, { summary }] of Object.entries(tree))
      addChoices(root.command(name).aliases(nounAliases(name, nouns)), summary)
  } else {
    const verbs = at.map(({ name }) => name)
    for (const entry of at) {
      const verb = command.command(entry.name).aliases(verbAliases(entry.name, verbs))
      if ('run' in entry) declare(verb, entry, [...words, entry.name], root, choose)
      else addChoices(verb, entry.summary)
    }
  }
}

/** A word that takes another one behind it. */
const addChoices = (command: CommandUnknownOpts, summary: string): CommandUnknownOpts =>
  command
    .description(summary)
    .summary(summary)
    .helpOption('-h, --help', 'Show help')
    .helpCommand(false)
    .usage('<command> [options]')

function declare(
  command: CommandUnknownOpts,
  declaration: Declaration,
  path: readonly string[],
  root: CommandUnknownOpts,
  choose: (invocation: Invocation) => void,
): void {
  const { summary, description, examples } = declaration
  command.summary(summary).description(description === undefined ? summary : `${summary}\n\n${description}`)
  command.helpOption('-h, --help', 'Show help')
  const args = Object.entries(declaration.args).map(([name, declared]) => argumentText(name, declared))
  command.usage(['[options]', ...args].join(' '))
  for (const [name, declared] of Object.entries(declaration.args)) {
    const about = typeof declared === 'string' ? declared : declared.summary
    // What is missing is told of below: a person may be asked for it.
    command.addArgument(new CommanderArgument(argumentText(name, declared), about).argOptional())
  }
  for (const [name, declared] of Object.entries(declaration.options)) {
    for (const option of declaredOptions(name, declared)) command.addOption(option)
  }
  for (const flag of flagsOf(declaration)) command.addOption(commonOption(flag))
  refuseCollisions(command, root)
  command.addHelpText('after', `\nExamples:\n${examples.map(example => `  ${example}`).join('\n')}\n`)
  command.action(() => {
    const options: Readonly<Record<string, unknown>> = command.opts()
    const words: readonly unknown[] = command.processedArgs
    choose({
      kind: 'run',
      declaration,
      ...settled(declaration, words, options, path),
      globals: globalsOf(root),
      dryRun: options['dryRun'] === true,
      input: context => readInput(declaration, words, options, context),
    })
  })
}

/** What was given of the arguments and options, and what should have been. */
function settled(
  { args, options }: Declaration,
  words: readonly unknown[],
  typed: Readonly<Record<string, unknown>>,
  path: readonly string[],
): { readonly given: ReadonlySet<string>; readonly missing: readonly Missing[] } {
  const given = new Set(Object.keys(options).filter(name => typed[name] !== undefined))
  const missing: Missing[] = []
  const miss = (name: string, message: string, hint = `latchkey ${path.join(' ')} --help`): void => {
    missing.push({ name, error: new LatchkeyError('usage', message, hint) })
  }
  for (const [index, [name, declared]] of Object.entries(args).entries()) {
    const word = words[index]
    const { kind, unless, hint } = typeof declared === 'string' ? arg.one(declared) : declared
    const isNeeded = unless?.every(option => !given.has(option)) ?? (kind === 'one' || kind === 'many')
    if (Array.isArray(word) ? word.length > 0 : word !== undefined) given.add(name)
    else if (isNeeded) miss(name, `missing required argument '${kebab(name)}'`, hint)
  }
  for (const [name, declared] of Object.entries(options)) {
    if (declared.required && !given.has(name))
      miss(name, `required option '${optionText(name, declared)}' not specified`)
  }
  return { given, missing }
}

type AnyOption = CommanderOption<string>

function commonOption(flag: CommonFlag, byLetter = false): AnyOption {
  const text = flagText(flag)
  const option = new CommanderOption(byLetter ? text.replace(/^(-\w), --\S+/, '$1') : text, flag.summary)
  if (flag.choices !== undefined) option.choices(flag.choices)
  if (flag.placeholder === undefined) return option
  if (!flag.addsUp) return single(option)
  return option.argParser((raw, before: string | undefined) =>
    [before ?? [], typedValue(option, raw)].flat().join(','),
  )
}

function declaredOptions(name: string, declared: Option<unknown>): readonly CommanderOption<string>[] {
  const option = new CommanderOption(optionText(name, declared), declared.summary)
  // An option may be called noLimit: only `--no-…` of a clearable one takes something away.
  option.negate = false
  if (declared.choices !== undefined) option.choices(declared.choices)
  if (declared.hidden) option.hideHelp()
  if (declared.kind === 'flag') return [option]
  if (!isRepeatable(declared)) single(option)
  else option.argParser((raw, before) => [...(Array.isArray(before) ? before : []), typedValue(option, raw)])
  if (declared.kind !== 'clearable') return [option]
  return [option, new CommanderOption(`--no-${kebab(name)}`, 'Sets it to none')]
}

/** Takes one value: which of two is meant, nobody knows. */
function single(option: AnyOption): AnyOption {
  const choose = option.parseArg
  return option.argParser((raw, before: unknown) => {
    const value = typedValue(option, raw)
    if (typeof before !== 'string') return choose === undefined ? value : choose<unknown>(value, before)
    const name = labelOf(option)
    throw new LatchkeyError(
      'usage',
      `${name} takes one value, and two are given: '${before}' and '${value}'`,
      `give ${name} once`,
    )
  })
}

const labelOf = ({ long, flags }: AnyOption): string => long ?? flags

/** Other tools tie a value to a letter with `=`, as to a word. */
const typedValue = (option: AnyOption, raw: string): string =>
  required(option.short === '-o' ? raw.replace(/^=/, '') : raw, labelOf(option))

/** The value of an option or argument. An empty one is most likely a variable that is not set, and no wildcard. */
function required(raw: string, label: string): string {
  if (raw.trim() !== '') return raw
  throw new LatchkeyError(
    'usage',
    `${label} is ${raw === '' ? 'empty' : 'blank'}`,
    `give ${label} a value or leave it out; a variable of the shell may be unset`,
  )
}

/**
 * A global option is taken wherever it stands, so a command's own of that name would never be seen; one that has a
 * letter too makes way.
 */
function refuseCollisions(command: CommandUnknownOpts, root: CommandUnknownOpts): void {
  for (const { long, short } of command.options) {
    const taken = root.options.some(
      option =>
        (option.long === long && option.short === undefined) ||
        (short !== undefined && option.short === short),
    )
    if (taken) throw new Error(`${command.name()} declares ${long ?? short}, which is a global option`)
  }
}

function readInput(
  declaration: Declaration,
  words: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
  context: ParseContext,
): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const [index, [name, declared]] of Object.entries(declaration.args).entries()) {
    const read = typeof declared === 'string' ? (raw: string) => raw : declared.parse
    input[name] = readValue(words[index], argumentText(name, declared), raw => read(raw, context))
  }
  for (const [name, declared] of Object.entries(declaration.options)) {
    const given = options[name]
    if (declared.kind === 'flag') input[name] = given === true
    else if (given === false) input[name] = null
    else {
      const value = readValue(given, `--${kebab(name)}`, raw => declared.parse(raw, context))
      input[name] = declared.kind === 'list' && Array.isArray(value) ? value.flat() : value
    }
  }
  return input
}

function readValue(given: unknown, label: string, parse: (raw: string) => unknown): unknown {
  const words = given === undefined ? [] : [given].flat().map(word => required(String(word), label))
  try {
    const values = words.map(parse)
    return Array.isArray(given) ? values : values[0]
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    throw new LatchkeyError(error.code, `${label}: ${error.message}`, error.hint, { cause: error })
  }
}

/** Of a line that went wrong before its command was known, nothing counts as given. */
function globalsOf(root: CommandUnknownOpts | undefined): Globals {
  const options: Readonly<Record<string, unknown>> = root?.opts() ?? {}
  const text = (name: string): string | undefined => {
    const value = options[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    db: text('db'),
    output: text('output') ?? text('o'),
    json: options['json'] === true,
    ids: options['q'] === true,
    quiet: options['quiet'] === true,
    yes: options['yes'] === true,
    fields: text('fields'),
    csvVerbatim: options['csvVerbatim'] === true,
    tz: text('tz'),
    profile: text('profile'),
    progress: progressModes.find(mode => mode === options['progress']) ?? 'auto',
    color: options['color'] !== false,
    chart: text('chart'),
    pager: options['pager'] !== false,
    input: options['input'] !== false,
  }
}
