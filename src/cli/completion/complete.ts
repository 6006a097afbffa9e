/**
 * Completes the word at the cursor, from the declarations and, for names, from the database. Answers the scripts of
 * `scripts.ts`. Never prints anything else, creates a file or fails: if something is unknown, nothing is offered.
 */
import { isNoun, type Noun, nouns } from '../../contract/nouns.ts'
import { keySorts, metrics, reportGroups } from '../../contract/views/words.ts'
import type { Latchkey } from '../../index.ts'
import type { Environment } from '../../system/home.ts'
import { typedWord } from '../../text/shell-word.ts'
import { tree } from '../commands/tree.ts'
import type { Declaration, Option } from '../declare/declaration.ts'
import { isRepeatable } from '../declare/define.ts'
import { type Subject, subjectOfArgument, subjectOfOption, takesMany } from '../declare/subjects.ts'
import { type CommonFlag, dashed, flagsOf, globalFlags, kebab, shownOptions } from '../line/flags.ts'
import { operandsOf, spellings } from '../line/operands.ts'
import { follow } from '../line/walk.ts'
import { openForReading } from '../run/connect.ts'
import { formats, listProfiles, resolveConfig, resolveLeniently } from '../settings/config.ts'
import { settingNames } from '../settings/file.ts'
import { printableLine } from '../terminal/printable.ts'
import { filesAnswer, shells } from './scripts.ts'

interface Candidate {
  readonly value: string
  readonly about: string
}

/** The shell itself completes file names. */
type Completion = readonly Candidate[] | 'files'

/** Looks up names, with the settings of the command line so far. */
interface Known {
  readonly open: () => Promise<Latchkey>
  readonly profiles: () => readonly string[]
}

/**
 * The answer to a shell: one line per candidate. Empty if anything goes wrong, because nobody would see an error.
 *
 * @param typed all words after the program's name, quoted as typed; the last is at the cursor and may be empty
 */
export async function answer(typed: readonly string[], env: Environment, cwd: string): Promise<string> {
  try {
    const words = typed.map(typedWord)
    const given = (flag: string) =>
      words
        .findLast((word, at) => words[at - 1] === flag || word.startsWith(`${flag}=`))
        ?.replace(`${flag}=`, '')
    const found = await complete(words, {
      open: async () =>
        openForReading(resolveConfig(env, cwd, { db: given('--db'), profile: given('--profile') }), env),
      profiles: () => listProfiles(resolveLeniently(env, cwd, {})).map(({ name }) => name),
    })
    if (found === 'files') return `${filesAnswer}\n`
    // Shells print names as they are, and a line break would split one into two.
    const harmless = found.filter(({ value, about }) => isPrintable(value) && isPrintable(about))
    return harmless.map(({ value, about }) => `${value}\t${about}\n`).join('')
  } catch {
    return ''
  }
}

const isPrintable = (text: string): boolean => printableLine(text) === text

async function complete(words: readonly string[], known: Known): Promise<Completion> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const operands = operandsOf(before)
  const asksForHelp = operands[0] === 'help'
  const [noun, ...verbs] = asksForHelp ? operands.slice(1) : operands
  const { at, steps, rest } = await follow(tree, noun === undefined ? [] : [noun, ...verbs])
  const declaration = 'run' in at ? at : undefined
  const value = await optionValue(before.at(-1), declaration, current, known)
  if (value !== undefined) return value
  const [, option, part] = /^(--[^=]+)=(.*)$/s.exec(current) ?? []
  if (part !== undefined) {
    const values = (await optionValue(option, declaration, part, known)) ?? []
    return values === 'files' ? values : values.map(each => ({ ...each, value: `${option}=${each.value}` }))
  }
  if (current.startsWith('-')) return fitting(current, optionCandidates(declaration, before))
  if (noun === undefined) return fitting(current, named(firstWords))
  if (!('run' in at)) return rest.length > 0 ? [] : fitting(current, named(at))
  if (asksForHelp) return []
  const args = Object.entries(at.args)
  const given = operandsOf(before, optionsWithValues(at)).slice(steps.length)
  const [name, declared] = args[given.length] ?? args.findLast(([, last]) => takesMany(last)) ?? []
  if (name === undefined || declared === undefined) return []
  return subjects(subjectOfArgument(name, declared), current, known, given)
}

const optionsWithValues = ({ options }: Declaration): readonly string[] =>
  Object.entries(options)
    .filter(([, option]) => option.kind !== 'flag')
    .flatMap(([name, option]) => spellings(name, option))

/** Completes the value of an option if one precedes the cursor; otherwise undefined. */
async function optionValue(
  option: string | undefined,
  declaration: Declaration | undefined,
  current: string,
  known: Known,
): Promise<Completion | undefined> {
  if (option === undefined || !option.startsWith('-')) return undefined
  const global = globalFlags.find(flag => flag.placeholder && spellings(flag.name, flag).includes(option))
  if (global !== undefined) {
    if (global.choices) return fitting(current, plain(global.choices))
    if (global.name === 'profile') return fitting(current, plain(known.profiles()))
    if (global.name === 'tz') return fitting(current, plain(Intl.supportedValuesOf('timeZone')))
    if (global.name === 'fields') return listed(current, declaration?.prints.shape?.fields ?? [])
    return global.placeholder === 'file' ? 'files' : []
  }
  const found = Object.entries(declaration?.options ?? {}).find(
    ([name, declared]) => declared.kind !== 'flag' && spellings(name, declared).includes(option),
  )
  if (found === undefined) return undefined
  const [name, declared] = found
  if (declared.choices) return fitting(current, plain(declared.choices))
  return subjects(subjectOfOption(name, declared), current, known)
}

const firstWords = Object.entries(tree).map(([name, { summary }]) => ({ name, summary }))

const named = (all: readonly { readonly name: string; readonly summary: string }[]): readonly Candidate[] =>
  all.map(({ name, summary }) => ({ value: name, about: summary }))

const plain = (values: readonly string[]): readonly Candidate[] => values.map(value => ({ value, about: '' }))

/** Words separated by commas, each at most once. */
function listed(typed: string, words: readonly string[]): readonly Candidate[] {
  const before = typed.slice(0, typed.lastIndexOf(',') + 1)
  const taken = before.split(',')
  const left = words.filter(word => !taken.includes(word))
  return fitting(
    typed,
    plain(left).map(each => ({ ...each, value: before + each.value })),
  )
}

const mostOffered = 500

/** By name, each once, or by id if the text looks like one. */
const query = ({ plural, label }: (typeof nouns)[Noun]): string => `
  SELECT * FROM (SELECT ${label} AS value, min(id) AS about FROM ${plural}
    WHERE substr(${label}, 1, length(:typed)) = :typed GROUP BY ${label} ORDER BY ${label} LIMIT 500)
  UNION ALL SELECT * FROM (SELECT id AS value, ${label} AS about FROM ${plural}
    WHERE length(:typed) > 3 AND substr(id, 1, length(:typed)) = :typed ORDER BY id LIMIT 500)`

/** @param given the arguments before this one */
async function subjects(
  subject: Subject | undefined,
  typed: string,
  known: Known,
  given: readonly string[] = [],
): Promise<Completion> {
  switch (subject) {
    case undefined:
      return []
    case 'file':
      return 'files'
    case 'setting':
      return fitting(typed, plain(settingNames))
    case 'value':
      return given[0] === 'output' ? fitting(typed, plain(formats)) : 'files'
    case 'shell':
      return fitting(typed, plain(shells))
    case 'metric':
    case 'limit':
      return fitting(typed, plain(metrics))
    case 'group':
      return listed(typed, reportGroups)
    case 'order':
      return fitting(typed, plain(keySorts.flatMap(sort => [sort, `-${sort}`, `+${sort}`])))
    case 'command': {
      if (given.length === 0) return fitting(typed, named(firstWords))
      const { at, rest } = await follow(tree, given)
      return 'run' in at || rest.length > 0 ? [] : fitting(typed, named(at))
    }
  }
  const latchkey = await known.open()
  try {
    if (!isNoun(subject)) return fitting(typed, await stored[subject](latchkey, given[0] ?? '', typed))
    const found = await latchkey.database.query({ sql: query(nouns[subject]), params: { typed } })
    return found as unknown as Candidate[]
  } finally {
    await latchkey.close()
  }
}

/** What the database has of subjects that are no nouns. @param first the first argument */
const stored = {
  backup: async ({ backups }: Latchkey) =>
    (await backups.list()).map(({ id, createdAt }) => ({ value: id, about: createdAt.toISOString() })),
  document: async ({ files }: Latchkey, first: string, typed: string) => {
    const page = await files.list(first, { after: typed || undefined, limit: mostOffered })
    return page.files.map(({ path, mediaType }) => ({ value: path, about: mediaType }))
  },
  phase: async ({ agents }: Latchkey, first: string) =>
    (await agents.get(first)).phases.map(({ position, name }) => ({ value: String(position), about: name })),
  invitation: async ({ invitations }: Latchkey) => {
    const page = await invitations.list({ status: 'pending', limit: mostOffered })
    return page.invitations.map(({ id, email }) => ({ value: id, about: email }))
  },
  change: async ({ audit }: Latchkey) =>
    (await audit.list({ limit: mostOffered })).map(({ id, action }) => ({ value: id, about: action })),
  model: async ({ usage }: Latchkey) =>
    plain([...new Set((await usage.prices.list()).map(({ model }) => model))]),
  import: async ({ imports }: Latchkey) =>
    (await imports.list()).map(({ id, source }) => ({ value: id, about: source })),
  session: async ({ sessions }: Latchkey) => {
    const page = await sessions.list({ limit: mostOffered })
    return page.sessions.map(({ id, user }) => ({ value: id, about: user.username }))
  },
  account: async ({ accounts }: Latchkey) => {
    const page = await accounts.list({ limit: mostOffered })
    return page.accounts.map(({ id, user, provider }) => ({
      value: id,
      about: `${user.username}, ${provider}`,
    }))
  },
}

function optionCandidates(
  declaration: Declaration | undefined,
  before: readonly string[],
): readonly Candidate[] {
  const options = declaration ? shownOptions(declaration) : []
  const all = [
    ...options.flatMap(([name, option]) => optionNames(name, option)),
    ...flagCandidates([...(declaration ? flagsOf(declaration) : []), ...globalFlags]),
    { value: '--help', about: 'Show help' },
    ...(operandsOf(before).length === 0 ? [{ value: '--version', about: 'Print the version' }] : []),
  ]
  const repeatable = new Set(
    options.filter(([, option]) => isRepeatable(option)).map(([name]) => `--${kebab(name)}`),
  )
  return all.filter(({ value }) => repeatable.has(value) || !before.includes(value))
}

function optionNames(name: string, option: Option<unknown>): readonly Candidate[] {
  const given = { value: `--${kebab(name)}`, about: option.summary }
  return option.kind === 'clearable'
    ? [given, { value: `--no-${kebab(name)}`, about: 'Set it to none' }]
    : [given]
}

const flagCandidates = (flags: readonly CommonFlag[]): readonly Candidate[] =>
  flags.map(({ name, summary }) => ({ value: dashed(name), about: summary }))

const fitting = (typed: string, all: readonly Candidate[]): readonly Candidate[] =>
  all.filter(({ value }) => value.startsWith(typed))
