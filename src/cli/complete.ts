/**
 * What may stand where the cursor is, from the declarations and, for names, from the database. Answers the scripts of
 * `completion.ts`; must never say a word of its own, create a file, or fail: where nothing is known, nothing is offered.
 */
import type { Latchkey } from '../index.ts'
import { filesAnswer, shells } from './completion.ts'
import { type Environment, resolveConfig } from './config.ts'
import { openForReading } from './connect.ts'
import type { Declaration, Option } from './define.ts'
import { type CommonFlag, flagsOf, globalFlags, kebab } from './flags.ts'
import { operandsOf, spellings } from './operands.ts'
import { printableLine } from './printable.ts'
import { settingNames } from './settings-file.ts'
import { type Subject, subjectOfArgument, subjectOfOption, takesMany } from './subjects.ts'
import { follow, tree } from './tree.ts'

interface Candidate {
  readonly value: string
  readonly about: string
}

/** Names of files are completed by the shell itself. */
type Completion = readonly Candidate[] | 'files'

/** Opens the database for reading, on the settings of the command line so far. */
type Open = () => Promise<Latchkey>

/**
 * The answer to a shell: a line for each candidate; nothing, whatever goes wrong, since there is nobody to tell.
 *
 * @param words all words behind the program's name; the last is what is being typed, perhaps nothing yet
 */
export async function answer(words: readonly string[], env: Environment, cwd: string): Promise<string> {
  try {
    const given = (flag: string) =>
      words
        .findLast((word, at) => words[at - 1] === flag || word.startsWith(`${flag}=`))
        ?.replace(`${flag}=`, '')
    const settings = { db: given('--db'), profile: given('--profile') }
    const found = await complete(words, async () => openForReading(resolveConfig(env, cwd, settings), env))
    if (found === 'files') return `${filesAnswer}\n`
    // A shell draws a name as it is, and a line break would make two of it.
    const harmless = found.filter(({ value, about }) => isPrintable(value) && isPrintable(about))
    return harmless.map(({ value, about }) => `${value}\t${about}\n`).join('')
  } catch {
    return ''
  }
}

const isPrintable = (text: string): boolean => printableLine(text) === text

async function complete(words: readonly string[], open: Open): Promise<Completion> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const [noun, ...verbs] = operandsOf(before)
  if (noun === undefined) {
    if (current.startsWith('-')) return fitting(current, flagCandidates(globalFlags))
    return (await optionValue(before.at(-1), undefined, current, open)) ?? fitting(current, named(nouns))
  }
  const { at: declaration, steps, rest } = await follow(tree, [noun, ...verbs])
  if (!('run' in declaration)) return rest.length > 0 ? [] : fitting(current, named(declaration))
  const value = await optionValue(before.at(-1), declaration, current, open)
  if (value !== undefined) return value
  if (current.startsWith('-')) return fitting(current, optionCandidates(declaration, before))
  const args = Object.keys(declaration.args)
  const place = operandsOf(before, optionsWithValues(declaration)).length - steps.length
  const last = args.at(-1)
  const name = args[place] ?? (last !== undefined && takesMany(declaration.args[last]) ? last : undefined)
  return name === undefined ? [] : subjects(subjectOfArgument(declaration, name), current, open)
}

const optionsWithValues = ({ options }: Declaration): readonly string[] =>
  Object.entries(options)
    .filter(([, option]) => option.kind !== 'flag')
    .flatMap(([name, option]) => spellings(name, option))

/** What completes the value of an option, when one stands before; undefined when none does. */
async function optionValue(
  option: string | undefined,
  declaration: Declaration | undefined,
  current: string,
  open: Open,
): Promise<Completion | undefined> {
  if (option === undefined || !option.startsWith('-')) return undefined
  const global = globalFlags.find(flag => flag.placeholder && spellings(flag.name, flag).includes(option))
  if (global !== undefined) {
    if (global.choices) return fitting(current, plain(global.choices))
    return global.placeholder === 'file' ? 'files' : []
  }
  const found = Object.entries(declaration?.options ?? {}).find(
    ([name, declared]) => declared.kind !== 'flag' && spellings(name, declared).includes(option),
  )
  if (found === undefined) return undefined
  const [name, declared] = found
  if (declared.choices) return fitting(current, plain(declared.choices))
  return subjects(subjectOfOption(name, declared), current, open)
}

const nouns = Object.entries(tree).map(([name, { summary }]) => ({ name, summary }))

const named = (all: readonly { readonly name: string; readonly summary: string }[]): readonly Candidate[] =>
  all.map(({ name, summary }) => ({ value: name, about: summary }))

const plain = (values: readonly string[]): readonly Candidate[] => values.map(value => ({ value, about: '' }))

const queries = {
  key: 'SELECT name AS value, id AS about FROM keys WHERE substr(name, 1, length(:typed)) = :typed ORDER BY name LIMIT 500',
  user: 'SELECT username AS value, id AS about FROM users WHERE substr(username, 1, length(:typed)) = :typed ORDER BY username LIMIT 500',
  project:
    'SELECT slug AS value, id AS about FROM projects WHERE substr(slug, 1, length(:typed)) = :typed ORDER BY slug LIMIT 500',
} as const

async function subjects(subject: Subject | undefined, typed: string, open: Open): Promise<Completion> {
  if (subject === undefined) return []
  if (subject === 'file') return 'files'
  if (subject === 'setting') return fitting(typed, plain(settingNames))
  if (subject === 'shell') return fitting(typed, plain(shells))
  if (subject === 'command') return fitting(typed, plain(Object.keys(tree)))
  const latchkey = await open()
  try {
    if (subject === 'backup') {
      const backups = await latchkey.backups.list()
      return fitting(
        typed,
        backups.map(({ id, createdAt }) => ({ value: id, about: createdAt.toISOString() })),
      )
    }
    if (subject === 'import') {
      const imports = await latchkey.imports.list()
      return fitting(
        typed,
        imports.map(({ id, source }) => ({ value: id, about: source })),
      )
    }
    return (await latchkey.database.query({
      sql: queries[subject],
      params: { typed },
    })) as unknown as Candidate[]
  } finally {
    await latchkey.close()
  }
}

function optionCandidates(declaration: Declaration, before: readonly string[]): readonly Candidate[] {
  const own = Object.entries(declaration.options).flatMap(([name, option]) => optionNames(name, option))
  const all = [...own, ...flagCandidates(flagsOf(declaration)), ...flagCandidates(globalFlags)]
  const repeatable = new Set(
    Object.entries(declaration.options)
      .filter(([, option]) => option.kind === 'many' || option.repeatable)
      .map(([name]) => `--${kebab(name)}`),
  )
  return all.filter(({ value }) => repeatable.has(value) || !before.includes(value))
}

function optionNames(name: string, option: Option<unknown>): readonly Candidate[] {
  const given = { value: `--${kebab(name)}`, about: option.summary }
  return option.kind === 'clearable'
    ? [given, { value: `--no-${kebab(name)}`, about: 'Sets it to none' }]
    : [given]
}

const flagCandidates = (flags: readonly CommonFlag[]): readonly Candidate[] =>
  flags.map(({ name, summary }) => ({ value: `--${name}`, about: summary }))

const fitting = (typed: string, all: readonly Candidate[]): readonly Candidate[] =>
  all.filter(({ value }) => value.startsWith(typed))
