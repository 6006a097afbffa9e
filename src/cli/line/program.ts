/**
 * Turns declarations into a commander program, and arguments into a plain invocation. The only importer of commander.
 * Does not run commands, read files or write to streams.
 */

import {
  Command,
  Argument as CommanderArgument,
  CommanderError,
  Option as CommanderOption,
  InvalidArgumentError,
} from 'commander'
import { exitMeanings, LatchkeyError } from '../../contract/errors.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import type { Declaration, Option, Tree } from '../declare/declaration.ts'
import { isRepeatable } from '../declare/define.ts'
import type { ParseContext } from '../declare/parser.ts'
import { isNoText } from '../settings/config.ts'
import { hasMoved } from './aliases.ts'
import { argumentText, type CommonFlag, flagsOf, flagText, globalFlags, kebab, optionText } from './flags.ts'
import { type Given, givenOf, readInput, required } from './given.ts'
import { type Globals, globalsOf, requireOneFormat, type Typed } from './globals.ts'
import { columnBeside, helpItem, helpLine } from './help.ts'
import type { Attempt } from './misuse.ts'
import { operandsOf } from './operands.ts'
import { follow, type Way } from './walk.ts'

/** A parsed command line. */
export type Invocation =
  | (Given & {
      readonly kind: 'run'
      readonly declaration: Declaration
      /** The words that led to it: `['key', 'limit', 'set']`. */
      readonly words: readonly string[]
      readonly globals: Globals
      readonly dryRun: boolean
      /** Parses every argument and option. @throws usage (names the bad one) */
      readonly input: (context: ParseContext) => Record<string, unknown>
    })
  | { readonly kind: 'help'; readonly text: string; readonly exit: number }
  | { readonly kind: 'refused'; readonly error: unknown; readonly globals: Globals }

export interface ProgramOptions {
  readonly version: string
  /** Columns that the help may use. */
  readonly width: number
}

/** Parses the command line and loads only the noun that it names. Never throws. */
export async function readCommandLine(
  argv: readonly string[],
  tree: Tree,
  options: ProgramOptions,
): Promise<Invocation> {
  const root = new Command('latchkey')
  try {
    return await read(root, argv, tree, options)
  } catch (error) {
    return { kind: 'refused', error, globals: globalsOf(root.opts()) }
  }
}

async function read(
  root: Command,
  argv: readonly string[],
  tree: Tree,
  options: ProgramOptions,
): Promise<Invocation> {
  const operands = operandsOf(argv)
  // `help key list`, and as in other programs `key help list`.
  const helpAt = operands.slice(0, 2).indexOf('help')
  if (helpAt === 0 && operands[1] === 'exit-codes')
    return { kind: 'help', text: exitCodesPage(options), exit: 0 }
  const words = helpAt < 0 ? operands : operands.toSpliced(helpAt, 1)
  if (hasMoved(words)) return read(root, withoutNoun(argv, operands, words), tree, options)
  const way = await follow(tree, words)
  const names = way.steps.map(step => step.name)
  const path = ['latchkey', ...names].join(' ')
  const refuse = async (word: string): Promise<never> => {
    const understood: Attempt['understood'] = async words => {
      const invocation = await readCommandLine(words, tree, options)
      if (invocation.kind !== 'run') return undefined
      const { declaration, given } = invocation
      return { takesSecret: 'secret' in declaration.args && given.has('secret') }
    }
    const { unknownWord } = await import('./misuse.ts')
    throw await unknownWord(word, { ...way, argv, operands, tree, path, understood })
  }
  let shown = ''
  describeRoot(root, options, text => {
    shown += text
  })
  const own = 'run' in way.at ? Object.keys(way.at.options).map(kebab) : []
  for (const flag of globalFlags) root.addOption(commonOption(flag, own.includes(flag.name)))
  // The help of commands shows them.
  for (const option of root.options) option.hideHelp()
  const command = addCommands(root, tree, way, options, refuse)
  try {
    await root.parseAsync(helpAt < 0 ? [...argv] : [...names, ...way.rest, '--help'], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.unknownOption')
      return refuse(command.parseOptions(command.args).unknown[0] ?? '')
    if (error.exitCode !== 0 && error.code !== 'commander.help')
      throw new LatchkeyError('usage', error.message.replace(/^error: /, ''), `${path} --help`)
    const [unknown] = names.length === 0 ? way.rest : []
    if (unknown !== undefined && error.code !== 'commander.version') return refuse(unknown)
    return { kind: 'help', text: `${shown.trimEnd()}\n`, exit: error.exitCode === 0 ? 0 : 2 }
  }
  requireText(argv)
  return 'run' in way.at ? invocationOf(command, way.at, root, path) : refuse(way.rest[0] ?? '')
}

/** The command line without the noun, which may also be the value of an option. */
function withoutNoun(
  argv: readonly string[],
  operands: readonly string[],
  [noun = '']: readonly string[],
): readonly string[] {
  const rest = operands.toSpliced(operands.indexOf(noun), 1)
  const shorter = argv.flatMap((word, place) => (word === noun ? [argv.toSpliced(place, 1)] : []))
  return shorter.find(line => Bun.deepEquals(operandsOf(line), rest)) ?? argv.slice(1)
}

/** @throws usage */
function invocationOf(command: Command, declaration: Declaration, root: Command, path: string): Invocation {
  requireNoExcess(command, path)
  requireOneFormat(root.opts())
  const typed: Typed = command.opts()
  const words: readonly unknown[] = command.processedArgs
  return {
    kind: 'run',
    declaration,
    words: path.split(' ').slice(1),
    ...givenOf(declaration, words, typed, path),
    globals: globalsOf(root.opts()),
    dryRun: typed['dryRun'] === true,
    input: context => readInput(declaration, words, typed, context),
  }
}

/** Bytes that are not UTF-8 arrive as U+FFFD. Another file would be opened, or another name stored. @throws usage */
function requireText(argv: readonly string[]): void {
  const broken = argv.find(isNoText)
  if (broken === undefined) return
  throw new LatchkeyError(
    'usage',
    `'${broken.toWellFormed()}' is not valid UTF-8`,
    'use a terminal that is set to UTF-8; if it is the name of a file, rename the file',
  )
}

function describeRoot(
  root: Command,
  { version, width }: ProgramOptions,
  write: (text: string) => void,
): void {
  root
    .description('Users, projects, API keys, limits and backups of a self-hosted AI backend')
    .version(`latchkey ${version}`, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError(false)
    .allowExcessArguments()
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
      commandUsage: command =>
        helpLine('Usage: ', `${fullName(command)} ${command.usage()}`, width).slice('Usage: '.length),
      subcommandTerm: command =>
        `${command.name()} ${command.usage()}`.replace(/ (\[options\]|<command>)/g, ''),
      showGlobalOptions: true,
      visibleGlobalOptions: command =>
        command.commands.length > 0 ? [] : root.options.filter(({ long }) => long !== '--version'),
      styleTitle: title => (title === 'Global Options:' ? 'Global options:' : title),
      minWidthToWrap: 1,
      padWidth: (command, help) =>
        columnBeside(
          [
            ...help.visibleArguments(command).map(each => help.argumentTerm(each)),
            ...help.visibleOptions(command).map(each => help.optionTerm(each)),
            ...help.visibleGlobalOptions(command).map(each => help.optionTerm(each)),
            ...help.visibleCommands(command).map(each => help.subcommandTerm(each)),
          ],
          width,
        ),
      formatItem: (term, column, text) => helpItem(term, text, column, width),
    })
}

/** Without aliases. */
const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`

const rootFooter = (width: number): string => `
${helpLine('Get started:   ', 'latchkey init, then latchkey key create --help', width)}
${helpLine('More:          ', 'latchkey <command> --help, latchkey help exit-codes', width)}
`

const exitCodesPage = ({ width }: ProgramOptions): string => `Exit codes:
${Object.entries(exitMeanings)
  .map(([code, meaning]) => `${helpItem(code, meaning, 3, width)}\n`)
  .join('')}`

/** Adds the typed words, with the choices after them. Returns the last one. */
function addCommands(
  root: Command,
  tree: Tree,
  { steps, at }: Way,
  { width }: ProgramOptions,
  refuse: (word: string) => Promise<never>,
): Command {
  let command = root
  for (const { name, summary, typed } of steps) {
    takeChoice(command, width, refuse)
    command = command.command(name).description(summary)
    if (typed !== name) command.alias(typed)
  }
  if ('run' in at) return declare(command, at, root)
  takeChoice(command, width, refuse)
  for (const { name, summary, declaration } of at)
    command
      .command(name)
      .summary(summary)
      .usage(declaration === undefined ? '' : usageOf(declaration))
  if (command !== root) return command
  const nouns = Object.entries(tree)
  for (const [name, { summary, group = 'Commands', beside }] of nouns) {
    if (beside !== undefined) continue
    const also = nouns.flatMap(([other, noun]) => (noun.beside === name ? [other] : []))
    const told = also.length === 0 ? summary : `${summary} (also: ${also.join(', ')})`
    root.command(name).summary(told).usage('').helpGroup(`${group}:`)
  }
  root.command('help').summary('Show help for a command').usage('[command]').helpGroup('Program:')
  return root
}

/** Makes a command that is followed by a word. Alone it shows the choices; unknown words are refused. */
const takeChoice = (command: Command, width: number, refuse: (word: string) => Promise<never>): Command =>
  command
    .usage('<command> [options]')
    .addHelpOption(new CommanderOption('-h, --help').hideHelp())
    .addHelpText(
      'after',
      command.parent === null
        ? rootFooter(width)
        : `\n${helpLine('Options and examples: ', `${fullName(command)} <command> --help`, width)}\n`,
    )
    .allowUnknownOption()
    .action(async () => {
      const [word] = command.args
      if (word !== undefined) await refuse(word)
      command.help({ error: command.parent !== null })
    })

const usageOf = ({ args }: Declaration): string =>
  ['[options]', ...Object.entries(args).map(([name, declared]) => argumentText(name, declared))].join(' ')

function declare(command: Command, declaration: Declaration, root: Command): Command {
  const { summary, description, examples, args, options } = declaration
  command
    .description(description === undefined ? summary : `${summary}\n\n${description}`)
    .usage(usageOf(declaration))
    .helpOption('-h, --help', 'Show help')
    .addHelpText('after', `\nExamples:\n${examples.map(example => `  ${example}`).join('\n')}\n`)
  for (const [name, declared] of Object.entries(args)) {
    // Missing values are reported later, because a person may be asked for them.
    command.addArgument(new CommanderArgument(argumentText(name, declared), declared.summary).argOptional())
  }
  for (const [name, declared] of Object.entries(options)) {
    for (const option of declaredOptions(name, declared)) command.addOption(option)
  }
  for (const flag of flagsOf(declaration)) command.addOption(commonOption(flag))
  refuseCollisions(command, root)
  return command
}

/** Does not repeat the words, because one may be a secret. @throws usage */
function requireNoExcess({ args, registeredArguments, options }: Command, path: string): void {
  const most = registeredArguments.length
  if (args.length <= most || registeredArguments.at(-1)?.variadic) return
  const [, ...names] = path.split(' ')
  // Whoever types `role list acme` means `--org acme`.
  const meant = most === 0 && options.find(({ flags }) => /^--(key|user|org|project) </.test(flags))
  throw new LatchkeyError(
    'usage',
    `too many arguments for '${names.at(-1)}'. Expected ${most} argument${most === 1 ? '' : 's'} but got ${args.length}`,
    meant ? `${path} ${meant.long} ${meant.attributeName().toUpperCase()}` : `${path} --help`,
  )
}

function commonOption(flag: CommonFlag, byLetter = false): CommanderOption {
  const text = flagText(flag)
  const option = new CommanderOption(byLetter ? text.replace(/^(-\w), --\S+/, '$1') : text, flag.summary)
  return flag.placeholder === undefined ? option : takesValue(option, flag.choices, flag.addsUp)
}

function declaredOptions(name: string, declared: Option<unknown>): readonly CommanderOption[] {
  const option = new CommanderOption(optionText(name, declared), declared.summary)
  // An option may be called noLimit. Only `--no-…` of a clearable option clears a value.
  option.negate = false
  if (declared.hidden) option.hideHelp()
  if (declared.kind === 'flag') return [option]
  takesValue(option, declared.choices, isRepeatable(declared))
  if (declared.kind !== 'clearable') return [option]
  return [option, new CommanderOption(`--no-${kebab(name)}`, 'Set it to none')]
}

/** Takes one value, or adds several. */
function takesValue(
  option: CommanderOption,
  choices: readonly string[] | undefined,
  addsUp = false,
): CommanderOption {
  const label = option.long ?? option.flags
  return option.argParser((raw: string, before: unknown) => {
    // Other tools allow `=` between a letter and its value.
    const value = required(option.short === '-o' ? raw.replace(/^=/, '') : raw, label)
    if (addsUp) return [...(Array.isArray(before) ? before : []), value]
    if (typeof before === 'string') {
      // It is unclear which of the two was meant.
      throw new LatchkeyError(
        'usage',
        `${label} takes one value, but got two: '${before}' and '${value}'`,
        `give ${label} once`,
      )
    }
    if (choices === undefined || choices.includes(value)) return value
    const guess = didYouMean(nearest(value, choices))
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}${guess}`)
  })
}

/**
 * Global options are recognized anywhere, so an option of a command with the same name would never be seen. A global
 * option that also has a letter gives up its long name instead.
 */
function refuseCollisions(command: Command, root: Command): void {
  for (const { long, short } of command.options) {
    const taken = root.options.some(
      option =>
        (option.long === long && option.short === undefined) ||
        (short !== undefined && option.short === short),
    )
    if (taken) throw new Error(`${command.name()} declares ${long ?? short}, which is a global option`)
  }
}
