/**
 * Asks for the values that a command line leaves out, using only the declarations: a picker for things in the database,
 * a choice, or a text that is tried out before it is accepted. The result is a normal command line, so people learn
 * what to put into a script. Never asks if nobody can answer.
 */

import { basename } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import { isNoun, labelOf, limitedNouns, type Noun, nouns } from '../../contract/nouns.ts'
import type { Latchkey, Limited } from '../../index.ts'
import { shells } from '../completion/scripts.ts'
import type { Argument, Option } from '../declare/declaration.ts'
import { isRepeatable } from '../declare/define.ts'
import { type Subject, subjectOfArgument, subjectOfOption, takesMany } from '../declare/subjects.ts'
import { formatDuration } from '../declare/times.ts'
import { limitNameText, reference } from '../draw/columns.ts'
import { relativeTime } from '../draw/relative.ts'
import { kebab } from '../line/flags.ts'
import type { Invocation } from '../line/program.ts'
import type { Config } from '../settings/config.ts'
import { settingNames } from '../settings/file.ts'
import type { Choice, Prompts } from '../terminal/prompt.ts'

/** What one depends on besides: what was typed or answered before it, by the names of arguments and options. */
type Asked = Questioning & {
  readonly known: Map<string, unknown>
  /** Only what has this status is offered. */
  readonly status?: 'active' | undefined
}

/** What the questions depend on. */
export interface Questioning {
  readonly prompts: Prompts
  readonly config: Config
  readonly now: Date
  /** Where backups are chosen from, if not in the usual place. */
  readonly from: string | undefined
  readonly open: () => Promise<Latchkey>
  /** The problem of a command line so far; undefined if there is none. */
  readonly problem: (argv: readonly string[]) => Promise<string | undefined>
}

type Run = Invocation & { kind: 'run' }

/** Returns the command line with the answers in it, or the same one if nothing was asked. */
export async function askMissing(
  argv: readonly string[],
  invocation: Run,
  questioning: Questioning,
): Promise<readonly string[]> {
  const questions = questionsOf(invocation, questioning.config)
  // If the database cannot be used, say so before anybody answers questions.
  if (questions.length > 1 && questions[0]?.flag === undefined) await requireDatabase(questioning)
  const known = new Map(invocation.given)
  let line = argv
  for (const question of questions) {
    line = await ask(question, line, { ...questioning, known })
  }
  return line
}

async function requireDatabase({ open }: Questioning): Promise<void> {
  const latchkey = await open()
  try {
    await latchkey.open()
  } finally {
    await latchkey.close()
  }
}

interface Question {
  readonly name: string
  readonly message: string
  /** The option of the answer; none for an argument. */
  readonly flag?: string
  readonly kind: 'text' | 'flag' | Subject | readonly string[]
  /** Whether the command cannot run without an answer. */
  readonly needed: boolean
  /** Whether to ask again until the answer is empty. */
  readonly repeated: boolean
  /** The answer if Enter is pressed. It is the default, so it is not added to the command line. */
  readonly initial?: string
}

function questionsOf({ declaration, given, missing }: Run, config: Config): readonly Question[] {
  const { args, options, wizard = [] } = declaration
  const lacks = (name: string): boolean => missing.some(each => each.name === name)
  const needed = [
    ...Object.entries(args)
      .filter(([name]) => lacks(name))
      .map(([name, declared]) => argumentQuestion(name, declared)),
    ...Object.entries(options)
      .filter(([name]) => lacks(name))
      .map(([name, option]) => optionQuestion(name, option)),
  ]
  const isAlone = given.size === 0 && Object.keys(args).length === 0
  if (needed.length === 0 && !(isAlone && config.setting('db').source === 'default')) return []
  const offered = wizard
    .filter(name => !given.has(name) && !lacks(name))
    .map(name => {
      const option = options[name]
      return option === undefined
        ? databaseQuestion(config.setting('db').value ?? '')
        : optionQuestion(name, option)
    })
  return [...needed, ...offered]
}

function argumentQuestion(name: string, declared: Argument<unknown>): Question {
  const subject = declared.isNew ? undefined : subjectOfArgument(name, declared)
  const isNamed = subject !== undefined && (isPicked(subject) || isFixed(subject))
  return {
    name,
    message: isNamed ? `Which ${subject}?` : declared.summary,
    needed: true,
    kind: subject ?? 'text',
    repeated: takesMany(declared),
  }
}

function optionQuestion(name: string, option: Option<unknown>): Question {
  const flag = `--${kebab(name)}`
  const about = option.summary.replace(/; repeatable| \(repeatable\)/, '')
  const [, initial] = /\(default: (\w+)\)$/.exec(about) ?? []
  const enter = option.required || about.includes('default:') ? '' : ', Enter for none'
  return {
    name,
    message: option.kind === 'flag' ? `${about}?` : `${about} [${flag}${enter}]`,
    flag,
    kind: option.kind === 'flag' ? 'flag' : (option.choices ?? subjectOfOption(name, option) ?? 'text'),
    needed: option.required,
    repeated: isRepeatable(option),
    ...(option.choices === undefined || initial === undefined ? {} : { initial }),
  }
}

const databaseQuestion = (initial: string): Question => ({
  name: 'db',
  message: 'Database file [--db]',
  flag: '--db',
  kind: 'text',
  needed: false,
  repeated: false,
  initial,
})

/** The command line with the answer to one question, and to its repetitions. */
async function ask(
  question: Question,
  argv: readonly string[],
  questioning: Asked,
): Promise<readonly string[]> {
  const { prompts, problem, known } = questioning
  const { name, message, kind, needed, repeated, initial } = question
  const withAnswer = (answer: string) => {
    if (answer === '' || answer === initial) return argv
    known.set(name, answer)
    return answered(argv, question.flag, answer)
  }
  if (kind === 'flag') return (await prompts.confirm(message)) ? inserted(argv, [question.flag ?? '']) : argv
  const fixed = typeof kind === 'string' && isFixed(kind) ? few[kind] : kind
  if (typeof fixed !== 'string') {
    const none = needed || initial !== undefined ? [] : [nothing]
    return withAnswer(await prompts.select(message, [...none, ...fixed.map(value => ({ value }))], initial))
  }
  if (isPicked(fixed)) {
    // An option says who gets something, and nobody gets anything who is disabled.
    const status = question.flag === undefined || fixed !== 'user' ? undefined : 'active'
    return withAnswer(await pick(fixed, message, needed, { ...questioning, status }))
  }
  const validate = async (answer: string): Promise<string | undefined> =>
    answer === '' && needed ? 'type something, or press Ctrl-C to leave' : problem(withAnswer(answer))
  const answer = await prompts.text(message, { validate, ...(initial === undefined ? {} : { initial }) })
  const line = withAnswer(answer)
  if (!repeated || answer === '') return line
  return ask({ ...question, message: 'Another one [Enter to continue]', needed: false }, line, questioning)
}

/** Returns the choice, or nothing if there is nothing to choose from. @throws not_found if a choice is needed */
async function pick(
  subject: Picked,
  message: string,
  needed: boolean,
  { prompts, open, now, from, known, status }: Asked,
): Promise<string> {
  const latchkey = await open()
  try {
    const find = async (typed: string): Promise<readonly Choice[]> => {
      const found = await choices(subject, latchkey, typed.trim() || undefined, { now, from, known, status })
      return needed || typed !== '' ? found : [nothing, ...found]
    }
    if ((await find('')).length > (needed ? 0 : 1)) return await prompts.search(message, find)
  } finally {
    await latchkey.close()
  }
  if (!needed) return ''
  const hint = hints[subject] ?? `make one with: latchkey ${subject} create`
  throw new LatchkeyError('not_found', `there is no ${subject} to choose from`, hint)
}

const nothing: Choice = { value: '', name: '(none)' }

type Picked = Noun | keyof typeof others

/** Choices that do not depend on the database. */
const few = { setting: settingNames, shell: shells }

const isFixed = (kind: string): kind is keyof typeof few => Object.hasOwn(few, kind)

const isPicked = (kind: string): kind is Picked => isNoun(kind) || Object.hasOwn(others, kind)

/** More would not fit on a screen. Typing shows others. */
const most = 50

type At = Pick<Asked, 'now' | 'from' | 'known' | 'status'>

/** The choices that match what was typed. */
async function choices(
  subject: Picked,
  latchkey: Latchkey,
  search: string | undefined,
  at: At,
): Promise<readonly Choice[]> {
  if (!isNoun(subject)) return fitting(others[subject](latchkey, at), search ?? '')
  const { plural, isUnique, about } = nouns[subject]
  const isPaged = plural !== 'projects'
  const status = at.status && { status: at.status }
  const listed = await latchkey[plural].list({ search, ...status, ...(isPaged ? { limit: most } : {}) })
  const found: readonly { readonly id: string }[] = Array.isArray(listed)
    ? listed
    : Reflect.get(listed, plural)
  return found.slice(0, most).map((view: { readonly id: string }) => ({
    value: isUnique === true ? labelOf(subject, view) : view.id,
    name: labelOf(subject, view),
    about: about.map(field => told(field, Reflect.get(view, field), at.now)),
  }))
}

/** A field that distinguishes one thing from another: `used 2 h ago`, a name. */
function told(field: string, value: unknown, now: Date): string | null {
  if (value instanceof Date)
    return `${field.replace(/^last|At$/g, '').toLowerCase()} ${relativeTime(value, now)}`
  return value === null || typeof value === 'string' ? value : reference(Object(value))
}

/** A choice, and the text in which is looked for what was typed, besides the beginning of the choice's value. */
type Offer = readonly [text: string, choice: Choice]

/** Choices that are not nouns. */
const others = {
  backup: ({ backups }, { now, from }) =>
    offers(backups.list({ from }), ({ id, createdAt, reason, path }) => {
      const name = basename(path)
      return [name, { value: id, name, about: [relativeTime(createdAt, now), reason] }]
    }),
  import: ({ imports }, { now }) =>
    offers(imports.list(), ({ id, source, at }) => [
      source,
      { value: id, about: [source, relativeTime(at, now)] },
    ]),
  session: ({ sessions }, { now }) =>
    offers(sessions.stream({ limit: mostSearched }), ({ id, user, device, createdAt }) => [
      `${user.username} ${device}`,
      { value: id, name: user.username, about: [device, relativeTime(createdAt, now)] },
    ]),
  document: ({ files }, { known, now }) =>
    offers(files.stream(ofKnown(known, 'project')), ({ path, updatedAt }) => [
      path,
      { value: path, about: [relativeTime(updatedAt, now)] },
    ]),
  phase: async function* ({ agents }, { known }) {
    const { phases } = await agents.get(ofKnown(known, 'project'))
    for (const { position, name, completedAt } of phases) {
      const about = [completedAt === null ? 'open' : 'complete']
      yield [name, { value: String(position), name, about }]
    }
  },
  invitation: ({ invitations }, { now }) =>
    offers(invitations.stream({ status: 'pending' }), ({ id, email, organization: { slug }, expiresAt }) => [
      `${email} ${slug}`,
      { value: id, name: email, about: [slug, `expires ${relativeTime(expiresAt, now)}`] },
    ]),
  change: ({ audit }, { now }) =>
    offers(audit.list({ limit: mostSearched }), ({ id, at, actor, action, target }) => [
      `${actor} ${action} ${target.name ?? ''}`,
      { value: id, name: action, about: [target.name, actor, relativeTime(at, now)] },
    ]),
  model: async function* ({ usage }) {
    const prices = await usage.prices.list()
    for (const model of new Set(prices.map(price => price.model))) yield [model, { value: model }]
  },
  limit: async function* ({ limits }, { known }) {
    const subject = limitedNouns.find(noun => known.has(noun)) ?? 'key'
    const member = known.get('member')
    const of = { [subject]: ofKnown(known, subject), ...(member !== undefined && { member }) } as Limited
    const each = known.get('each') === true
    for (const limit of await limits.list(of)) {
      const value = limitNameText({ ...limit, each: false }, { duration: formatDuration })
      // A key is also bound by limits of others, which it cannot lose.
      if (limit.each === each && limit.subject.type === subject) yield [value, { value }]
    }
  },
  account: ({ accounts }) =>
    offers(accounts.stream({ limit: mostSearched }), ({ id, user, provider }) => [
      `${user.username} ${provider}`,
      { value: id, name: user.username, about: [provider] },
    ]),
} satisfies Record<string, (latchkey: Latchkey, at: At) => AsyncIterable<Offer>>

async function* offers<T>(
  all: AsyncIterable<T> | Promise<Iterable<T>>,
  offer: (each: T) => Offer,
): AsyncIterable<Offer> {
  for await (const each of await all) yield offer(each)
}

const ofKnown = (known: ReadonlyMap<string, unknown>, name: string): string => String(known.get(name) ?? '')

/** The first that have what was typed, of however many. Inside an id anything could be found. */
async function fitting(all: AsyncIterable<Offer>, typed: string): Promise<readonly Choice[]> {
  const found: Choice[] = []
  const wanted = typed.toLowerCase()
  for await (const [text, choice] of all) {
    if (text.toLowerCase().includes(wanted) || choice.value.toLowerCase().startsWith(wanted))
      found.push(choice)
    if (found.length === most) break
  }
  return found
}

/** What to do where there is nothing to choose from, if it is not to make one. */
const hints: Readonly<Partial<Record<Picked, string>>> = {
  import: 'see them with: latchkey import list',
  session: 'see them with: latchkey session list',
  account: 'see them with: latchkey account list',
  document: 'write one with: latchkey project file put',
  phase: 'add one with: latchkey project state phase add',
  change: 'see them with: latchkey audit list',
  model: 'see prices with: latchkey usage price list',
  limit:
    'see them with: latchkey key limit list, or of a user, a project, an organization or a team; those for each end user need --each',
}

/** The oldest, among which is looked for what was typed. */
const mostSearched = 5_000

function answered(argv: readonly string[], flag: string | undefined, answer: string): readonly string[] {
  // A value that looks like an option must be joined to its own option with `=`.
  if (flag !== undefined)
    return inserted(argv, answer.startsWith('-') ? [`${flag}=${answer}`] : [flag, answer])
  const needsEnd = answer.startsWith('-') && answer !== '-' && !argv.includes('--')
  return [...argv, ...(needsEnd ? ['--'] : []), answer]
}

/** Adds options to the command line, before a `--` that ends them. */
export function inserted(argv: readonly string[], words: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return argv.toSpliced(end < 0 ? argv.length : end, 0, ...words)
}
