/** Manual pages in roff (man(7)): for the program, each noun and each command. Writes no files. */

import { exitMeanings } from '../../contract/errors.ts'
import { programVersion } from '../../system/version.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { Option } from '../declare/declaration.ts'
import {
  argumentText,
  type CommonFlag,
  flagsOf,
  flagText,
  globalFlags,
  kebab,
  optionText,
  shownOptions,
} from '../line/flags.ts'
import { grouped, type NamedCommand, type NamedNoun } from './commands.ts'
import { settings, variableOf, variables } from './settings.ts'

/** Every page by the words of its command, empty for the program. `date` is the date of the edition. */
export function manPages(nouns: readonly NamedNoun[], date: Date): ReadonlyMap<string, string> {
  const edition = date.toISOString().slice(0, 10)
  const all = new Map([['', programPage(nouns, edition)]])
  for (const { name, summary, commands } of nouns) {
    if (commands.every(({ path }) => path !== name))
      all.set(name, groupPage(name, summary, commands, edition))
    for (const command of commands) {
      const group = command.path.split(' ').slice(0, 2).join(' ')
      const below = commands.filter(({ path }) => path.startsWith(`${group} `))
      if (below.length > 0 && !all.has(group)) {
        all.set(group, groupPage(group, `Commands of latchkey ${group}`, below, edition))
      }
      all.set(command.path, commandPage(command, edition))
    }
  }
  return all
}

/** `key create` as `latchkey-key-create`, its name in the manual. */
export const pageName = (path: string): string =>
  ['latchkey', ...path.split(' ').filter(word => word !== '')].join('-')

function programPage(nouns: readonly NamedNoun[], edition: string): string {
  return page('latchkey', edition, 'administer the keys, users, quotas and backups of an AI backend', [
    section('SYNOPSIS', [`${bold('latchkey')} ${italic('command')} [${italic('options')}]`]),
    section('DESCRIPTION', [
      text(
        'Users, projects, API keys, rolling limits, migrations and backups of a self-hosted AI backend, in one SQLite file. Results go to stdout, everything else to stderr. Tables are for people; in scripts use --json or -q.',
      ),
    ]),
    section(
      'COMMANDS',
      grouped(nouns).flatMap(([group, within]) => [
        `.SS ${group}`,
        ...within.flatMap(({ name, summary }) => term(bold(`latchkey-${name}`, '(1)'), `${summary}.`)),
      ]),
    ),
    section('OPTIONS', globalFlags.flatMap(flagTerm)),
    exitStatus(),
    section(
      'ENVIRONMENT',
      [
        ...Object.entries(settings).map(([name, { summary }]) => [variableOf(name), summary] as const),
        ...Object.entries(variables),
      ].flatMap(([name, summary]) => term(bold(name), plain(summary))),
    ),
    section('FILES', [
      ...term(italic('latchkey.toml'), 'Settings, in the current folder.'),
      ...term(italic('$XDG_CONFIG_HOME/latchkey/latchkey.toml'), 'Your own settings.'),
      ...term(italic('$XDG_DATA_HOME/latchkey/latchkey.db'), 'The default database.'),
    ]),
  ])
}

/** The page of a word with commands below it. */
function groupPage(
  path: string,
  summary: string,
  commands: readonly NamedCommand[],
  edition: string,
): string {
  return page(pageName(path), edition, lowered(summary), [
    section('SYNOPSIS', [`${bold(`latchkey ${path}`)} ${italic('command')} [${italic('options')}]`]),
    section(
      'COMMANDS',
      commands.flatMap(({ path, declaration }) =>
        term(bold(pageName(path), '(1)'), `${declaration.summary}.`),
      ),
    ),
    seeAlso(path),
  ])
}

function commandPage({ path, declaration }: NamedCommand, edition: string): string {
  const { args, description, examples } = declaration
  const words = Object.entries(args).map(([name, declared]) => argumentText(name, declared))
  return page(pageName(path), edition, lowered(declaration.summary), [
    section('SYNOPSIS', [[bold(`latchkey ${path}`), '[options]', ...words.map(escaped)].join(' ')]),
    section('DESCRIPTION', [text([`${declaration.summary}.`, description ?? ''].join('\n\n').trimEnd())]),
    section(
      'ARGUMENTS',
      Object.entries(args).flatMap(([name, declared]) =>
        term(bold(argumentText(name, declared)), declared.summary),
      ),
    ),
    section('OPTIONS', [
      ...shownOptions(declaration).flatMap(([name, option]) => optionTerms(name, option)),
      ...flagsOf(declaration).flatMap(flagTerm),
    ]),
    section('GLOBAL OPTIONS', globalFlags.flatMap(flagTerm)),
    outputSection({ path, declaration }),
    exitStatus(),
    section('EXAMPLES', ['.EX', ...examples.map(line), '.EE']),
    seeAlso(path),
  ])
}

/** Abbreviations keep their case: `API keys`. */
const lowered = (summary: string): string =>
  summary.replace(/^[A-Z](?![A-Z])/, letter => letter.toLowerCase())

function optionTerms(name: string, option: Option<unknown>): readonly string[] {
  const given = term(bold(optionText(name, option)), option.summary)
  return option.kind === 'clearable'
    ? [...given, ...term(bold(`--no-${kebab(name)}`), 'Set it to none.')]
    : given
}

const flagTerm = (flag: CommonFlag): readonly string[] => term(bold(flagText(flag)), flag.summary)

function outputSection({ path, declaration }: NamedCommand): string {
  const { shape, form } = declaration.prints
  if (form === 'text') return section('OUTPUT', ['Plain text.'])
  const what = { one: 'one object', rows: 'an array', 'one or rows': 'one object, or an array' }[form]
  const content =
    shape.fields.length === 0 ? shape.schema.description : `${what} of the fields ${shape.fields.join(', ')}`
  return section('OUTPUT', [text(`With --json ${content}. The whole schema: ${lineOf(`schema ${path}`)}.`)])
}

const exitStatus = () =>
  section(
    'EXIT STATUS',
    Object.entries(exitMeanings).flatMap(([code, meaning]) => term(bold(code), meaning)),
  )

/** The pages above: for `key limit set` those of the program, of key, and of key limit. */
function seeAlso(path: string): string {
  const words = path.split(' ')
  const above = words.map((_, depth) => pageName(words.slice(0, depth).join(' ')))
  return section('SEE ALSO', [above.map(name => bold(name, '(1)')).join(', ')])
}

function page(name: string, edition: string, about: string, sections: readonly string[]): string {
  const title = `.TH ${escaped(name.toUpperCase())} 1 ${edition} "latchkey ${programVersion}" "Latchkey manual"`
  return [title, section('NAME', [`${escaped(name)} \\- ${escaped(about)}`]), ...sections]
    .filter(part => part !== '')
    .join('\n')
    .concat('\n')
}

/** Nothing if it has no lines. */
const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : [`.SH ${title}`, ...lines].join('\n')

const term = (tag: string, about: string): readonly string[] => ['.TP', tag, text(about)]

const bold = (word: string, after = ''): string => `\\fB${escaped(word)}\\fR${after}`
const italic = (word: string): string => `\\fI${escaped(word)}\\fR`
/** Markdown code as plain text. */
const plain = (markdown: string): string => markdown.replaceAll('`', '')

/** Paragraphs of running text. man(7) wants one sentence per input line. */
const text = (words: string): string => words.split('\n\n').map(sentences).join('\n.PP\n')

const sentences = (paragraph: string): string =>
  paragraph
    .replaceAll(/\s+/g, ' ')
    .split(/(?<=[.:;]) +(?=[A-Z])/)
    .map(line)
    .join('\n')

/** One input line. A dot at its start would be a request. */
const line = (words: string): string => escaped(words).replace(/^(?=\.)/, '\\&')

const escaped = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
