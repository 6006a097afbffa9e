/**
 * The rules for input fields, shared by the command line, the library and imports. valibot finds the wrong field, this
 * module turns that into a sentence.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { projectStates, roles } from '../../contract/views/words.ts'
import type { ProjectState, Role } from '../../contract/views.ts'
import { isTimeZone } from '../../system/calendar.ts'
import { holdsSecret } from './scan.ts'

/** A rule by its input and output types alone, to keep declarations short. */
export type Rule<In, Out = In> = v.GenericSchema<In, Out>

/** The input type of a schema, with the comments of its fields. */
export type Input<S extends v.GenericSchema> = Readonly<v.InferInput<S>>

const printable = v.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'must not contain control characters')

/** A visible character: not a zero-width space, a blank, or a combining mark alone. */
const visible = /[^\p{Default_Ignorable_Code_Point}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\u2800]/u

const isSecret = 'must not contain a secret, because it would be stored as plain text'

/** Applies to every stored text. Otherwise a live secret could end up in tables, the audit log and backups. */
export const noSecret = v.check((text: string) => !holdsSecret(text), isSecret)

/** A line of text. */
export const trimmed = (most: number): Rule<string> =>
  v.pipe(
    v.string('must be text'),
    v.trim(),
    // Two encodings of one letter make the same name.
    v.normalize('NFC'),
    v.minLength(1, 'must not be empty'),
    noSecret,
    v.maxLength(most, `must be at most ${most} characters`),
    v.regex(visible, 'must contain a visible character'),
    printable,
    v.check(text => text.isWellFormed(), 'must be well-formed Unicode'),
  )

/** One of a few words. */
export const among = <const T extends string>(words: readonly T[]): Rule<T> =>
  v.picklist(words, `must be one of ${words.join(', ')}`)

/** Words of the command line. `latchkey key create help` is probably a request for help. */
const commandWords = new Set(
  'add archive check-password create delete disable enable erase explain export file help identify import limit list member offboard passwd remove reset revoke rotate show state stats transfer unarchive update verify version'.split(
    ' ',
  ),
)
const isCommandWord = (text: string): boolean => commandWords.has(text.toLowerCase())
const isTakenWord = 'must not be a word that the command line uses'
const noCommand = v.check<string, string>(text => !isCommandWord(text), isTakenWord)

export const username: Rule<string> = v.pipe(
  trimmed(64),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'may contain only letters, digits, dots, dashes and underscores'),
  v.check(text => !/^usr_/i.test(text), 'must not begin like an id (usr_)'),
  noCommand,
)

export const email: Rule<string> = v.pipe(
  trimmed(254),
  v.regex(/^[^\s@]+@[^\s@]+$/, 'is not an email address'),
  v.toLowerCase(),
)

export const displayName = trimmed(100)
export const description = trimmed(1_000)
export const shortText = trimmed(100)
export const userAgent = trimmed(1_000)
export const imageUrl: Rule<string> = v.pipe(
  trimmed(2_000),
  v.regex(/^https?:\/\/\S+$/, 'must be an address such as https://example.org/alice.png'),
)
export const role: Rule<Role> = among(roles)

export const slug: Rule<string> = v.pipe(
  trimmed(64),
  v.regex(
    /^[a-z0-9]+(-[a-z0-9]+)*$/,
    'may contain lower-case letters and digits, with single dashes between them',
  ),
  noCommand,
)

export const orgSlug: Rule<string> = v.pipe(
  slug,
  v.check(text => !/^org_/.test(text), 'must not begin like an id (org_)'),
)

export const teamName: Rule<string> = v.pipe(
  trimmed(100),
  v.check(text => !/^tea_/i.test(text), 'must not begin like an id (tea_)'),
  v.check(text => !text.startsWith('-'), 'must not begin with a dash'),
  noCommand,
)

export const roleName: Rule<string> = v.pipe(
  trimmed(64),
  v.regex(
    /^[a-z0-9]+([_-][a-z0-9]+)*$/,
    'may contain lower-case letters and digits, with single dashes or underscores between them',
  ),
  v.check(text => !/^rol_/.test(text), 'must not begin like an id (rol_)'),
  // A built-in role has the name of a command.
  v.check(text => text === 'member' || !isCommandWord(text), isTakenWord),
)

/** A permission, or a pattern for several: `*` stands for anything. */
export const permission: Rule<string> = v.pipe(
  trimmed(100),
  v.regex(/^(\*|[A-Za-z0-9_.*-]+(:[A-Za-z0-9_.*-]+)+)$/, 'must look like project:write, project:* or *'),
)

export const url: Rule<string> = v.pipe(
  trimmed(2_000),
  v.check(text => URL.canParse(text) && /^https?:/i.test(text), 'must be a URL that begins with https://'),
)

export const sandboxId = trimmed(200)

export const projectState: Rule<ProjectState> = among(projectStates)

export const keyPrefix: Rule<string> = v.pipe(
  trimmed(12),
  v.regex(/^[a-z][a-z0-9]{1,11}$/, 'must be 2 to 12 lower-case letters and digits'),
)

export const keyName: Rule<string> = v.pipe(
  trimmed(100),
  v.check(text => !/^key_/i.test(text), 'must not begin like an id (key_)'),
  v.check(text => !text.startsWith('-'), 'must not begin with a dash'),
)

/** The name of a new or renamed key. An imported key may keep any name. */
export const newKeyName: Rule<string> = v.pipe(keyName, noCommand)

/** A label, as the name of a key is, but not unique. */
export const chatTitle: Rule<string> = v.pipe(
  trimmed(200),
  v.check(text => !/^cht_/i.test(text), 'must not begin like an id (cht_)'),
  v.check(text => !text.startsWith('-'), 'must not begin with a dash'),
)
export const sessionId = trimmed(200)

export const modelName: Rule<string> = v.pipe(trimmed(200), v.regex(/^\S+$/, 'must not contain white space'))
export const scopeName: Rule<string> = v.pipe(
  trimmed(100),
  v.regex(/^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.*-]+)*$/, 'must look like chat:write or chat:*'),
)
export const reason = trimmed(500)
export const requestId = trimmed(200)
/** The id of a person in a program that uses keys: any text. */
export const endUserId = trimmed(200)

export const timeZone: Rule<string> = v.pipe(
  v.string('must be text'),
  v.check(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC'),
)

export const instant: Rule<Date> = v.pipe(
  v.date('must be a Date'),
  v.check(date => Math.abs(date.getTime()) <= 8.64e15, 'is not a valid date'),
)

/** When a request can have been made at the earliest: a time before is probably in the wrong unit, or was never set. */
export const earliestUse = Date.UTC(2000, 0, 1)

/** When a request was made. */
export const useTime: Rule<Date> = v.pipe(
  instant,
  v.check(date => date.getTime() >= earliestUse, 'is before the year 2000'),
)

/** Clocks of other machines may be ahead by this much. */
export const clockToleranceMs = 5 * 60_000

export const count: Rule<number> = v.pipe(
  v.number('must be a number'),
  v.safeInteger('must be a whole number'),
  v.minValue(0, 'must not be negative'),
)

export const pageSize: Rule<number> = v.pipe(count, v.minValue(1, 'must be at least 1'))

export const page = v.object({
  /** At most this many; default 100, and all of users, of projects and in a stream. */
  limit: v.optional(pageSize),
  /** Only those after this one, in the order of the list. */
  after: v.optional(v.string()),
})
/** Which part of a list. */
export type Part = Input<typeof page>

export const positions = v.object({
  /** At most this many; default 100. */
  limit: v.optional(pageSize, 100),
  /** Only messages after this position, or before it if the latest come first. */
  after: v.optional(count),
  /** The latest first. */
  descending: v.optional(v.boolean(), false),
})
/** Which part of a conversation. */
export type Positions = Input<typeof positions>

/** Dollars, stored as micro-dollars. */
export const dollars: Rule<number> = v.pipe(
  v.number('must be a number'),
  v.finite('must be a number'),
  v.minValue(0, 'must not be negative'),
  v.maxValue(9_000_000_000, 'must be at most 9,000,000,000'),
)

const noSecretInside = v.check((value: unknown) => !textsOf(value).some(holdsSecret), isSecret)

export const metadata: Rule<unknown> = v.pipe(
  v.custom<unknown>(value => isJson(value), 'must be JSON'),
  noSecretInside,
)

/** A value that another program stores, as it is, but for what no engine or no backup may have. */
export const foreignValue: Rule<unknown> = v.pipe(
  v.unknown(),
  noSecretInside,
  v.check(
    value => typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0')),
    'must be Unicode without NUL',
  ),
)

/** A name that another program gives. It may be empty. */
export const foreignName = v.nullish(v.pipe(v.string('must be text'), printable))

/** The address of a picture, which may be the picture itself or on the same site: never of a script. */
export const foreignImage = v.nullish(
  v.pipe(
    v.string('must be text'),
    v.check(
      text => !/^\s*[a-z][a-z0-9+.-]*:/i.test(text) || /^(https?:|data:image\/)/i.test(text),
      'must be an address such as https://example.org/alice.png',
    ),
  ),
)

/** What a person or a model said: their own words, whatever they hold. */
export const messageContent: Rule<unknown> = v.pipe(
  v.custom<unknown>(value => value !== null && isJson(value), 'must be JSON, and not null'),
  v.check(value => JSON.stringify(value).length <= mostContent, 'must be at most 4 MiB of JSON'),
)
const mostContent = 4 * 1024 * 1024

export const password: Rule<string> = v.pipe(
  v.string('must be text'),
  v.minLength(8, 'must have at least 8 characters'),
  v.maxLength(1_000, 'must have at most 1,000 characters'),
)

/** A list; it may be readonly. */
export const listOf = <In, Out>(item: Rule<In, Out>): Rule<readonly In[], readonly Out[]> => v.array(item)

/** A value that may be left out (unchanged) or null (cleared). */
export const clearable = <S extends v.GenericSchema>(schema: S) => v.optional(v.nullable(schema))

/** Checks a value. Each message follows the name of a field, and has no value in it. */
export const check = <S extends v.GenericSchema>(schema: S, value: unknown): v.SafeParseResult<S> =>
  v.safeParse(schema, value, { message: inOurWords })

/** For rules without a message of their own: valibot's quotes the value. */
const inOurWords = ({ type, requirement, path }: v.BaseIssue<unknown>): string => {
  if (path?.at(-1)?.origin === 'key') return 'is missing'
  if (type === 'min_value') return `must be at least ${requirement}`
  return own[type] ?? 'is not valid'
}

const own: Readonly<Record<string, string>> = {
  string: 'must be text',
  number: 'must be a number',
  integer: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be an object',
  record: 'must be an object',
  min_length: 'must not be empty',
}

/**
 * Checks the input of an operation.
 *
 * @param hint what to do, if that is not to change the field
 * @throws invalid, naming the field, and of a list or a path also its value
 */
export function parse<S extends v.GenericSchema>(schema: S, input: unknown, hint?: string): v.InferOutput<S> {
  const result = check(schema, input)
  if (result.success) return result.output
  const [issue] = result.issues
  const { message, kind, input: value } = issue
  const isItem = typeof issue.path?.at(-1)?.key === 'number'
  const field = v.getDotPath(issue)?.replace(isItem ? /\.?\d+$/ : /$^/, '')
  // Of several it would not be known which.
  const isOneOfMany = isItem || field === 'path'
  const about = isOneOfMany && typeof value === 'string' && message !== isSecret ? `: ${quoted(value)}` : ''
  throw new LatchkeyError(
    'invalid',
    field ? `${readable(field)}${about} ${message}` : kind === 'schema' ? `the input ${message}` : message,
    hint ?? `change the ${readable(field || 'value')} and run the command again; --help shows examples`,
  )
}

const quoted = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 99)}…` : text)

/** As `parse`, for what selects: nothing in it may be blank. @throws invalid */
export function parseFilter<S extends v.GenericSchema<unknown, object>>(
  filter: S,
  given: object,
): v.InferOutput<S> {
  const parsed = parse(filter, given)
  requireWords(given)
  return parsed
}

/** As `parseFilter`, for a part of a list and what selects it. @throws invalid */
export const parsePage = <S extends v.GenericSchema<unknown, object>>(filter: S, given: object) => ({
  ...parseFilter(filter, given),
  ...parse(page, given),
})

/**
 * Refuses a blank text in a filter. It is probably an unset variable, and would match everything.
 *
 * @throws invalid, naming the field
 */
export function requireWords(filter: object): void {
  for (const [name, value] of Object.entries(filter)) {
    if (typeof value !== 'string' || value.trim() !== '') continue
    throw new LatchkeyError(
      'invalid',
      `${readable(name)} must not be blank`,
      `give the ${readable(name)} a value, or leave it out`,
    )
  }
}

/** As `parse`, for changes: without fields that are undefined, which change nothing. At least one must be given. @throws invalid */
export function parseChanges<S extends v.GenericSchema<unknown, object>>(
  schema: S,
  input: unknown,
): v.InferOutput<S> {
  const given = Object.entries(parse(schema, input)).filter(([, value]) => value !== undefined)
  if (given.length > 0) return Object.fromEntries(given) as v.InferOutput<S>
  throw new LatchkeyError(
    'invalid',
    'there is nothing to change',
    'say what to change; --help lists the options',
  )
}

/** The words of a name, without how the library takes a time: nobody types milliseconds. Of `forMs` none would be left. */
const readable = (path: string): string =>
  path === 'forMs'
    ? path
    : path
        .replace(/(In|For)?Ms$/, '')
        .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)

/** Every text in a JSON value, including field names. */
/** The texts in a value of JSON, names of fields among them. */
export function textsOf(value: unknown): readonly string[] {
  const texts: string[] = []
  JSON.stringify(value, (name, inner) => {
    texts.push(name)
    if (typeof inner === 'string') texts.push(inner)
    return inner
  })
  return texts
}

function isJson(value: unknown): boolean {
  try {
    const text = JSON.stringify(value, (name, inner) => {
      // Half a surrogate pair becomes an escape that other JSON parsers refuse.
      if (!name.isWellFormed() || (typeof inner === 'string' && !inner.isWellFormed()))
        throw new TypeError(name)
      return inner
    })
    return text !== undefined
  } catch {
    return false
  }
}
