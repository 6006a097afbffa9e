/**
 * A command is a declaration: its parser, help, reference page, man page and completions are all made from it.
 * This module holds the vocabulary and knows nothing of how a declaration is parsed, run or printed.
 */
import { flag, type ObjectShape } from '../../contract/shape.ts'
import type { Brush } from './brush.ts'
import type { Column, Total } from './column.ts'
import type {
  Argument,
  Arguments,
  Confirmation,
  Context,
  Declaration,
  Effect,
  Option,
  Options,
} from './declaration.ts'
import type { Parse } from './parser.ts'

const verbatim: Parse<string> = raw => raw

/** Overloads, because a parser that is left out must mean text and not whatever the context would accept. */
function one(summary: string): Argument<string>
function one<T>(summary: string, parse: Parse<T>): Argument<T>
function one(summary: string, parse: Parse<unknown> = verbatim): Argument<unknown> {
  return { kind: 'one', summary, parse }
}

function optional(summary: string): Argument<string | undefined>
function optional<T>(summary: string, parse: Parse<T>): Argument<T | undefined>
function optional(summary: string, parse: Parse<unknown> = verbatim): Argument<unknown> {
  return { kind: 'optional', summary, parse }
}

function many(summary: string): Argument<readonly string[]>
function many<T>(summary: string, parse: Parse<T>): Argument<readonly T[]>
function many(summary: string, parse: Parse<unknown> = verbatim): Argument<unknown> {
  return { kind: 'many', summary, parse }
}

/** As many as there are, also none. */
const any = (summary: string): Argument<readonly string[]> => ({ kind: 'any', summary, parse: verbatim })

/**
 * Needed, unless one of these options says what is meant instead.
 *
 * @param hint what to do where there is neither
 */
const unless = (options: readonly string[], summary: string, hint: string): Argument<string | undefined> => ({
  ...optional(summary),
  unless: options,
  hint,
})

export const arg = { one, optional, many, any, unless }

const option = <T>(
  kind: Option<T>['kind'],
  placeholder: string,
  parse: Parse<unknown>,
  summary: string,
): Option<T> => ({ kind, placeholder, summary, parse, required: false })

export const opt = {
  /** Present or not; false when absent. */
  flag: (summary: string) => option<boolean>('flag', '', verbatim, summary),
  text: (placeholder: string, summary: string) =>
    option<string | undefined>('value', placeholder, verbatim, summary),
  as: <T>(placeholder: string, parse: Parse<T>, summary: string) =>
    option<T | undefined>('value', placeholder, parse, summary),
  choice: <const T extends string>(choices: readonly T[], summary: string): Option<T | undefined> => ({
    ...option<T | undefined>('value', choices.join('|'), verbatim, summary),
    choices,
  }),
  many: <T>(placeholder: string, parse: Parse<T>, summary: string) =>
    option<readonly T[] | undefined>('many', placeholder, parse, summary),
  /** `a,b`: each use of the option adds its words. */
  list: <T>(placeholder: string, parse: Parse<readonly T[]>, summary: string) =>
    option<readonly T[] | undefined>('list', placeholder, parse, summary),
  /** Three states: a value, null by `--no-<name>`, undefined when not said. */
  clearable: <T>(placeholder: string, parse: Parse<T>, summary: string) =>
    option<T | null | undefined>('clearable', placeholder, parse, summary),
  /** The same for a list: each use of the option adds to it. */
  clearableMany: <T>(placeholder: string, parse: Parse<T>, summary: string) => ({
    ...option<readonly T[] | null | undefined>('clearable', placeholder, parse, summary),
    repeatable: true,
  }),
  hidden: <T>(base: Option<T>): Option<T> => ({ ...base, hidden: true }),
  required: <T>(base: Option<T>): Option<Exclude<T, undefined>> => ({ ...base, required: true }) as never,
}

export { verbatim }

/** Whether an option may be given more than once: its values add up then. */
export const isRepeatable = ({ kind, repeatable }: Option<unknown>): boolean =>
  kind === 'many' || kind === 'list' || repeatable === true

type ArgumentValue<A> = A extends Argument<infer T> ? T : string
type OptionValue<O> = O extends Option<infer T> ? T : never

/** The values of options, by their names. */
export type Values<O extends Options> = { readonly [K in keyof O]: OptionValue<O[K]> }

/** What `run` receives: every argument and option under its own name. */
export type Input<A extends Arguments, O extends Options> = {
  readonly [K in keyof A]: ArgumentValue<A[K]>
} & { readonly [K in keyof O]: OptionValue<O[K]> }

/** `Run` is what the command returns; `R` the same once all of it is there. */
interface Common<A extends Arguments, O extends Options, R, Run = R> {
  readonly name: string
  readonly effect: Effect
  /** One line, in the imperative, without a full stop. */
  readonly summary: string
  /** Paragraphs below the usage line of the help. */
  readonly description?: string
  readonly examples: readonly [string, ...string[]]
  readonly args?: A
  readonly options?: O
  /**
   * What a person is also asked for when something is missing: options of this command, or `db`. A command that needs
   * nothing else asks when it was typed alone and `db` is what it is by default.
   */
  readonly wizard?: readonly (Extract<keyof O, string> | 'db')[]
  /** Undefined when there turns out to be nothing to ask. */
  readonly confirm?: (context: Context, input: Input<A, O>) => Promise<Confirmation | undefined>
  /** Whether this input must be confirmed; left out, a destroying command always and no other ever asks. */
  readonly asks?: (input: Input<A, O>) => boolean
  /** With nobody there to ask it goes ahead: a script has always done so, and nothing is erased. */
  readonly goesAheadAlone?: true
  readonly run: (context: Context, input: Input<A, O>) => Promise<Run>
  /**
   * What a dry run says would be done, as it goes on behind "Would": `create key ci`. Undefined where the command only
   * looks. Ids are left out: nothing will have them.
   */
  readonly would?: (result: R, brush: Brush, input: Input<A, O>) => string | undefined
  /** Runs also when the settings are broken, on flags and defaults: it looks at them or mends them. */
  readonly mendsSettings?: true
  /** Exit code of a run that did not throw; 0 when not given. */
  readonly exit?: (result: R) => number
  /** What to say on stderr after the result, for people only. */
  readonly notice?: (result: R, input: Input<A, O>) => string | undefined
  /** Lines to print for people in place of everything else; undefined: as usual. */
  readonly lines?: (result: R, input: Input<A, O>) => readonly string[] | undefined
  /**
   * The result holds a secret that is shown this once: formats that would drop it (-q, csv without the field)
   * are refused before the command runs.
   */
  readonly revealsSecret?: (input: Input<A, O>) => boolean
}

/** A command that returns one thing: a sentence or drawing by `done`, or a card of all fields without it. */
interface One<A extends Arguments, O extends Options, T> extends Common<A, O, T> {
  readonly output: ObjectShape<T>
  readonly done?: (result: T, brush: Brush) => string
}

/** A command that returns rows, all at once or as they are read: a table by `columns`. */
interface Many<A extends Arguments, O extends Options, T>
  extends Common<A, O, readonly T[], readonly T[] | AsyncIterable<T>> {
  readonly rows: ObjectShape<T>
  /** Of the table; where they depend on what was typed, made from it. */
  readonly columns: readonly Column<T>[] | ((input: Input<A, O>) => readonly Column<T>[])
  /** The last line of the table: what the quantities of all rows come to; undefined where there is nothing to add up. */
  readonly total?: (rows: readonly T[], input: Input<A, O>) => Total<T> | undefined
  /** What to say on stderr instead of a table without rows. */
  readonly empty: string
  /** The same where options say which rows are wanted: that there are others is not unlikely then. */
  readonly noMatch?: string
  /** Nobody reads these rows: what would be a table is NDJSON. */
  readonly forPrograms?: true
  /** Drawn in place of the table when given (tables stay for `-o wide`). */
  readonly done?: (rows: readonly T[], brush: Brush) => string
}

/** A command that returns one thing or, when asked for several, rows of the same shape. */
interface OneOrMany<A extends Arguments, O extends Options, T> extends Common<A, O, T | readonly T[]> {
  readonly outputOrRows: ObjectShape<T>
  readonly columns: readonly Column<T>[]
  /** What to say on stderr when several were asked for and there are none. */
  readonly empty?: string
  readonly done: (result: T, brush: Brush) => string
}

/** A command whose output is text as it stands (a tutorial, a completion script): no other format. */
interface Text<A extends Arguments, O extends Options> extends Common<A, O, string> {
  readonly text: true
}

export function command<A extends Arguments, O extends Options, T>(declaration: One<A, O, T>): Declaration
export function command<A extends Arguments, O extends Options, T>(declaration: Many<A, O, T>): Declaration
export function command<A extends Arguments, O extends Options, T>(
  declaration: OneOrMany<A, O, T>,
): Declaration
export function command<A extends Arguments, O extends Options>(declaration: Text<A, O>): Declaration
export function command(declaration: object): Declaration {
  return { args: {}, options: {}, ...declaration } as Declaration
}

/** What a dry run adds to every object that a changing command prints, so that nobody takes it for done. */
export const dryRunField = {
  dryRun: flag('True in a dry run, where nothing is changed; not there otherwise'),
}

/** The shape of the JSON that a command prints, or undefined for plain text. */
export function outputShape(declaration: Declaration): ObjectShape<Record<string, unknown>> | undefined {
  return declaration.output ?? declaration.rows ?? declaration.outputOrRows
}
