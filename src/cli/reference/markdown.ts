/** Writes docs/cli.md, the manual page of every command, from the same declarations as the parser. */

import { exitCodes, exitMeanings } from '../../contract/errors.ts'
import { nouns } from '../../contract/nouns.ts'
import type { Declaration, Effect, Option } from '../declare/declaration.ts'
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
import { grouped, type NamedCommand, type NamedNoun, usageLine } from './commands.ts'
import { printed } from './json.ts'
import { anchor, block, code, generated, page, table } from './prose.ts'
import { settings, variableOf, variables } from './settings.ts'

export function cliPage(nouns: readonly NamedNoun[]): string {
  return page([
    generated,
    '# Command line',
    introduction,
    ...grouped(nouns).flatMap(([group, within]) => [`**${group}**`, contents(within)]),
    '## Options of every command',
    table(
      ['Option', 'What it does'],
      globalFlags.map(flag => [code(flagText(flag)), flag.summary]),
    ),
    selecting,
    ...nouns.flatMap(nounSection),
    '## Exit codes',
    exits,
    '## Settings',
    settingsIntroduction,
    table(
      ['Setting', 'Variable', 'Flag', 'What it is', 'Default'],
      Object.entries(settings).map(([name, { flag, summary, byDefault }]) => [
        code(name),
        code(variableOf(name)),
        flag,
        summary,
        byDefault,
      ]),
    ),
    '## Environment',
    'Besides the variables of the settings, Latchkey reads:',
    table(
      ['Variable', 'What it does'],
      Object.entries(variables).map(([name, summary]) => [code(name), summary]),
    ),
  ])
}

const introduction = `Results go to stdout, everything else to stderr. Tables are for people. In scripts use \`--json\`, whose fields are in
[json.md](json.md), or \`-q\`. Options may be anywhere after the command; \`--\` ends them. Every section of this page is also shown
by the \`--help\` of its command.`

const selecting = `To name a thing, give one of these. The first characters of an id are enough, 6 or more after the underscore. If two things match,
the command refuses.

${table(
  ['Thing', 'What to give'],
  Object.entries(nouns).map(([noun, { selectors }]) => [noun, selectors]),
)}

A duration is a number with \`s\`, \`m\`, \`h\`, \`d\`, \`w\` or \`y\`, such as \`90s\`, \`5h\` or \`1h30m\`. A date is \`2026-12-31\`,
\`2026-12-31T10:00\` (both in the zone of \`--tz\`) or \`2026-12-31T10:00:00Z\`. A limit is metric=amount/window: \`tokens=100k/5h\`, \`requests=1000/1d\`, \`usd=20/30d\`.

Secrets and passwords are read from stdin, a file or a masked prompt. They are never read from the command line, where other
users of the machine could see them.`

function contents(nouns: readonly NamedNoun[]): string {
  const rows = nouns.flatMap(({ commands }) =>
    commands.map(({ path, declaration }) => [
      `[${code(path)}](#${anchor(`latchkey ${path}`)})`,
      declaration.summary,
      { read: '', write: 'changes', destroy: 'destructive, asks first' }[declaration.effect],
    ]),
  )
  return table(['Command', 'What it does', 'Effect'], rows)
}

/** A noun that is a command itself needs no heading. */
function nounSection({ name, summary, commands }: NamedNoun): readonly string[] {
  const [only] = commands
  if (only?.path === name) return [commandSection(only, '##')]
  return [`## ${name}`, `${summary}.`, ...commands.map(command => commandSection(command, '###'))]
}

function commandSection(command: NamedCommand, level: '##' | '###'): string {
  const { path, declaration } = command
  return page([
    `${level} latchkey ${path}`,
    `${declaration.summary}.`,
    declaration.description,
    block('text', usageLine(command)),
    argumentsOf(declaration),
    optionsOf(declaration),
    effectText(declaration),
    outputText(declaration),
    block('sh', declaration.examples.join('\n')),
  ]).trimEnd()
}

function argumentsOf({ args }: Declaration): string | undefined {
  const rows = Object.entries(args).map(([name, declared]) => [
    code(argumentText(name, declared)),
    ...withDefault(declared.summary),
  ])
  return rows.length === 0 ? undefined : table(['Argument', 'What it is', 'Default'], rows)
}

function optionsOf(declaration: Declaration): string | undefined {
  const own = shownOptions(declaration).map(([name, option]) => [
    optionName(name, option),
    ...optionCells(option),
  ])
  const common = flagsOf(declaration).map((flag: CommonFlag) => [code(flagText(flag)), flag.summary, ''])
  const rows = [...own, ...common]
  return rows.length === 0 ? undefined : table(['Option', 'What it does', 'Default'], rows)
}

function optionName(name: string, option: Option<unknown>): string {
  const given = code(optionText(name, option))
  return option.kind === 'clearable' ? `${given}, ${code(`--no-${kebab(name)}`)} for none` : given
}

function optionCells(option: Option<unknown>): readonly [string, string] {
  const [summary, byDefault] = withDefault(option.summary)
  const often = option.kind === 'many' && !/repeatable/.test(summary) ? `${summary} (repeatable)` : summary
  const { required, unless } = option
  const orElse = unless?.map(name => ` unless ${code(`--${kebab(name)}`)}`).join('') ?? ''
  return [often, required ? `required${orElse}` : byDefault]
}

/** `Days to show (default: 14)` as `Days to show` and `14`. */
function withDefault(summary: string): readonly [string, string] {
  const [, text = summary, byDefault = ''] = /^(.*) \(default: (.*)\)$/.exec(summary) ?? []
  return [text, byDefault]
}

const effects: Readonly<Record<Effect, string>> = {
  read: 'Read-only: changes nothing, not even the database file.',
  write: 'Makes changes without asking.',
  destroy:
    'Destructive: it asks first. Without a terminal and without `--yes`, it refuses with exit code 6 and does nothing.',
}

const effectText = ({ effect, goesAheadAlone }: Declaration): string =>
  goesAheadAlone
    ? 'Makes changes. On a terminal it may ask first, unless you give `--yes`; without a terminal it does not ask.'
    : effects[effect]

function outputText(declaration: Declaration): string {
  const { shape } = declaration.prints
  if (shape === undefined) return 'Prints plain text.'
  const fields = shape.fields.map(code).join(', ')
  const once = declaration.revealsSecret ? ' The secret is printed only once.' : ''
  return `Prints ${printed(declaration, 'json.md')}: ${fields}.${once}`
}

const exits = page([
  'These apply to every command. With `--json`, the error object on stderr has the error code.',
  table(
    ['Exit', 'Meaning', 'Errors'],
    Object.entries(exitMeanings).map(([exit, meaning]) => [
      exit,
      meaning,
      Object.entries(exitCodes)
        .filter(([, each]) => String(each) === exit)
        .map(([name]) => code(name))
        .join(', '),
    ]),
  ),
]).trimEnd()

const settingsIntroduction = `Settings come from these places. The first one that has a value wins:

1. a flag
2. the profile chosen with \`--profile\`
3. a variable
4. the profile chosen with \`LATCHKEY_PROFILE\`
5. \`latchkey.toml\` in the current folder (refused if it belongs to another user)
6. \`latchkey/latchkey.toml\` in your configuration folder
7. for the database, \`DATABASE_URL\` or \`DATABASE_PATH\` of other programs, if only one database can be meant
8. the default

\`latchkey config show\` shows each value and where it comes from, \`latchkey config set\` changes one. Relative paths in a file start
at the folder of that file. A profile is a table of settings, chosen with \`--profile prod\` or \`LATCHKEY_PROFILE=prod\`:

\`\`\`toml
db = "/var/lib/gateway/latchkey.db"
backup_dir = "/var/backups/latchkey"
tz = "Europe/Berlin"

[profile.prod]
db = "/srv/prod/latchkey.db"
\`\`\``
