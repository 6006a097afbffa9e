/**
 * What the fields of an operation may hold. The same rules bind the command line, the library and imports;
 * valibot says which field is wrong, this module says it in a sentence.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { roles } from '../../contract/views/words.ts'
import type { Role } from '../../contract/views.ts'
import { holdsSecret } from './scan.ts'

/** What a field takes, and what it becomes. Said by its types alone, so that declarations are short. */
export type Rule<In, Out = In> = v.GenericSchema<In, Out>

/** What an operation takes: what its schema says, with the comments of the fields. */
export type Input<S extends v.GenericSchema> = Readonly<v.InferInput<S>>

const printable = v.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'must not contain control characters')

/** Neither ignorable by default, as a zero-width space is, nor blank, nor a mark without a letter. */
const visible = /[^\p{Default_Ignorable_Code_Point}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\u2800]/u

/** Every text that is kept has this rule: a live secret would stand in tables, the audit trail and backups. */
export const noSecret = v.check(
  (text: string) => !holdsSecret(text),
  'must not hold a secret, which would be kept as plain text',
)

const trimmed = (most: number): Rule<string> =>
  v.pipe(
    v.string('must be text'),
    v.trim(),
    // Two ways to write one letter are one name.
    v.normalize('NFC'),
    v.minLength(1, 'must not be empty'),
    noSecret,
    v.maxLength(most, `must be at most ${most} characters`),
    v.regex(visible, 'must hold something that can be seen'),
    printable,
    v.check(text => text.isWellFormed(), 'must be well-formed Unicode'),
  )

/** Words of the command line: `latchkey key create help` was meant otherwise, whatever it is about. */
const commandWords = new Set(
  'add archive create delete disable enable explain export help identify import limit list passwd remove reset revoke rotate show stats unarchive update verify version'.split(
    ' ',
  ),
)
const noCommand = v.check<string, string>(
  text => !commandWords.has(text.toLowerCase()),
  'must not be a word of the command line',
)

export const username: Rule<string> = v.pipe(
  trimmed(64),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'may hold letters, digits, dots, dashes and underscores only'),
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
export const role: Rule<Role> = v.picklist(roles, `must be one of ${roles.join(', ')}`)

export const slug: Rule<string> = v.pipe(
  trimmed(64),
  v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'may hold lower-case letters and digits, with single dashes between'),
  noCommand,
)

export const keyPrefix: Rule<string> = v.pipe(
  trimmed(12),
  v.regex(/^[a-z][a-z0-9]{1,11}$/, 'must be 2 to 12 lower-case letters and digits'),
)

export const keyName: Rule<string> = v.pipe(
  trimmed(100),
  v.check(text => !/^key_/i.test(text), 'must not begin like an id (key_)'),
  v.check(text => !text.startsWith('-'), 'must not begin with a dash'),
)

/** Of a key that is new, or renamed; one that comes from elsewhere keeps its name. */
export const newKeyName: Rule<string> = v.pipe(keyName, noCommand)

export const modelName: Rule<string> = v.pipe(trimmed(200), v.regex(/^\S+$/, 'must not contain white space'))
export const scopeName: Rule<string> = v.pipe(
  trimmed(100),
  v.regex(/^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.*-]+)*$/, 'must look like chat:write or chat:*'),
)
export const reason = trimmed(500)
export const requestId = trimmed(200)

export const instant: Rule<Date> = v.pipe(
  v.date('must be a Date'),
  v.check(date => Math.abs(date.getTime()) <= 8.64e15, 'is not a valid date'),
)

/** Clocks of other machines may be ahead by this much. */
export const clockToleranceMs = 5 * 60_000

export const count: Rule<number> = v.pipe(
  v.number('must be a number'),
  v.safeInteger('must be a whole number'),
  v.minValue(0, 'must not be negative'),
)

/** Dollars, kept as micro-dollars. */
export const dollars: Rule<number> = v.pipe(
  v.number('must be a number'),
  v.finite('must be a number'),
  v.minValue(0, 'must not be negative'),
  v.maxValue(9_000_000_000, 'must be at most 9,000,000,000'),
)

export const metadata: Rule<unknown> = v.pipe(
  v.custom<unknown>(value => isJson(value), 'must be JSON'),
  v.check(
    value => !textsOf(value).some(holdsSecret),
    'must not hold a secret, which would be kept as plain text',
  ),
)

export const password: Rule<string> = v.pipe(
  v.string('must be text'),
  v.minLength(8, 'must have at least 8 characters'),
  v.maxLength(1_000, 'must have at most 1,000 characters'),
)

/** Several; a list that is read-only is taken too. */
export const listOf = <In, Out>(item: Rule<In, Out>): Rule<readonly In[], readonly Out[]> => v.array(item)

/** Values may be left out (unchanged), or null (cleared). */
export const clearable = <S extends v.GenericSchema>(schema: S) => v.optional(v.nullable(schema))

/**
 * Checks what an operation was given.
 *
 * @throws invalid, naming the field
 */
export function parse<S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  const [issue] = result.issues
  const field = v.getDotPath(issue)
  // Of a field that is not there valibot speaks as of its name: all other messages are ours.
  const said = issue.message.startsWith('Invalid key') ? 'is missing' : issue.message
  throw new LatchkeyError(
    'invalid',
    field === null ? said : `${readable(field)} ${said}`,
    `change ${field === null ? 'the value' : `the ${readable(field)}`} and run the command again; --help shows examples`,
  )
}

/**
 * Refuses a blank text among what selects: it is most likely a variable that was not set, and would fit everything.
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

/** As `parse`, for a change: one that changes nothing is a mistake. @throws invalid */
export function parseChanges<S extends v.GenericSchema<unknown, object>>(
  schema: S,
  input: unknown,
): v.InferOutput<S> {
  const changes = parse(schema, input)
  if (Object.values(changes).some(value => value !== undefined)) return changes
  throw new LatchkeyError(
    'invalid',
    'nothing to change was given',
    'name what to change; --help lists what can be',
  )
}

const readable = (path: string): string =>
  path.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)

/** Every text inside of a JSON value, names of fields included. */
function textsOf(value: unknown): readonly string[] {
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
      // Half a surrogate pair becomes an escape that other readers of JSON refuse.
      if (!name.isWellFormed() || (typeof inner === 'string' && !inner.isWellFormed()))
        throw new TypeError(name)
      return inner
    })
    return text !== undefined
  } catch {
    return false
  }
}
