/**
 * A command is a declaration: its parser, help, reference page, man page and completions are all made from it.
 * This module holds the vocabulary and knows nothing of how a declaration is parsed, run or printed.
 */
import { flag, type ObjectShape } from '../contract/shape.ts'
import type { Brush } from './brush.ts'
import type { Context } from './context.ts'

/** What a command does to the world. `execute.ts` derives dry runs and confirmations from it. */
export type Effect = 'read' | 'write' | 'destroy'

/** What a parser may depend on besides the text. */
export interface ParseContext {
  readonly now: Date
  readonly timeZone: string
}

/** Turns one word of the command line into a value; throws a `usage` error that says what was expected. */
export type Parse<T> = (raw: string, context: ParseContext) => T

export interface Argument<T> {
  readonly kind: 'one' | 'optional' | 'many' | 'any'
  readonly summary: string
  readonly parse: Parse<unknown>
  /** Of one that is needed unless one of these options is given. */
  readonly unless?: readonly string[]
  /** What to do where it is missing; the help of the command when not given. */
  readonly hint?: string
  readonly type?: T
}

export interface Option<T> {
  /**
   * flag: present or not. value: at most one. many: repeatable. list: the same, and each value holds several.
   * clearable: a value, or `--no-…` for none.
   */
  readonly kind: 'flag' | 'value' | 'many' | 'list' | 'clearable'
  readonly placeholder: string
  readonly summary: string
  readonly parse: Parse<unknown>
  readonly choices?: readonly string[]
  readonly required: boolean
  /** Of a clearable one: each use adds to a list. */
  readonly repeatable?: boolean
  readonly short?: string
  readonly type?: T
}

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
  required: <T>(base: Option<T>): Option<Exclude<T, undefined>> => ({ ...base, required: true }) as never,
}

export { verbatim }

/** Whether an option may be given more than once: its values add up then. */
export const isRepeatable = ({ kind, repeatable }: Option<unknown>): boolean =>
  kind === 'many' || kind === 'list' || repeatable === true

export type Arguments = Readonly<Record<string, string | Argument<unknown>>>
export type Options = Readonly<Record<string, Option<unknown>>>

type ArgumentValue<A> = A extends Argument<infer T> ? T : string
type OptionValue<O> = O extends Option<infer T> ? T : never

/** The values of options, by their names. */
export type Values<O extends Options> = { readonly [K in keyof O]: OptionValue<O[K]> }

/** What `run` receives: every argument and option under its own name. */
export type Input<A extends Arguments, O extends Options> = {
  readonly [K in keyof A]: ArgumentValue<A[K]>
} & { readonly [K in keyof O]: OptionValue<O[K]> }

/** What of a context says where and when things are meant. */
export type Place = Pick<Context, 'path' | 'timeZone'>

/** What a destroying command asks before it acts. */
export interface Confirmation {
  readonly question: string
  /** The database it is about, where that is not the configured one. */
  readonly database?: string | undefined
  /** When given, the person types this instead of y. */
  readonly typed?: string
  /** What it is about, shown as a table before the question. */
  readonly list?: Listing
  /** Arguments that bind the run to what was confirmed. */
  readonly binds?: Readonly<Record<string, unknown>>
}

/** Rows and how they are drawn; `listing()` makes one. */
export interface Listing {
  readonly columns: readonly Column<unknown>[]
  readonly rows: readonly unknown[]
}

export const listing = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Listing => ({
  columns: columns as readonly Column<unknown>[],
  rows,
})

/** A column of a table: what one row has there, as text, as a moment or as a bar. */
export type Column<Row> = TextColumn<Row> | TimeColumn<Row> | BarColumn<Row>

interface TitledColumn {
  readonly title: string
  /** Drawn by `-o wide` alone. */
  readonly wide?: boolean
  /** Left out of the table when it is empty in every row. */
  readonly hideEmpty?: boolean
  /** Left out where there is no room for all, before a name would be cut; `-o wide` and cards have it. */
  readonly spare?: true
}

interface TextColumn<Row> extends TitledColumn {
  /** `rows` are all of the table, for what depends on the others. */
  readonly cell: (row: Row, brush: Brush, rows: readonly Row[]) => string
  /** Quantities stand right, and are never cut. */
  readonly align?: 'left' | 'right'
  /** Never cut either: a name that is typed next, a status, what would say something else without its end. */
  readonly whole?: true
  /** On a narrow terminal the texts of low importance are cut first, those of high importance last. */
  readonly importance?: 'low' | 'high'
}

/** `3 days ago` in a table on a terminal, exact anywhere else. */
interface TimeColumn<Row> extends TitledColumn {
  readonly time: (row: Row) => Date | null
  /** What there is in place of no time; `never` when not given. */
  readonly absent?: string
}

/**
 * A bar beside the number that it draws: in the room that the other columns leave, and left out where that is too
 * little.
 */
interface BarColumn<Row> {
  readonly bar: (row: Row) => number
  /** What a full bar stands for; the largest of all rows when not given. */
  readonly full?: number
  readonly wide?: boolean
}

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
  readonly columns: readonly Column<T>[]
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

/** A declaration with its types forgotten, for the modules that treat all commands alike. */
export interface Declaration {
  readonly name: string
  readonly effect: Effect
  readonly summary: string
  readonly description?: string
  readonly examples: readonly string[]
  readonly args: Arguments
  readonly options: Options
  readonly wizard?: readonly string[]
  readonly confirm?: (context: Context, input: Record<string, unknown>) => Promise<Confirmation | undefined>
  readonly run: (context: Context, input: Record<string, unknown>) => Promise<unknown>
  readonly asks?: (input: Record<string, unknown>) => boolean
  readonly goesAheadAlone?: true
  readonly would?: (result: unknown, brush: Brush, input: Record<string, unknown>) => string | undefined
  readonly mendsSettings?: true
  readonly exit?: (result: unknown) => number
  readonly notice?: (result: unknown, input: Record<string, unknown>) => string | undefined
  readonly lines?: (result: unknown, input: Record<string, unknown>) => readonly string[] | undefined
  readonly revealsSecret?: (input: Record<string, unknown>) => boolean
  readonly output?: ObjectShape<Record<string, unknown>>
  readonly rows?: ObjectShape<Record<string, unknown>>
  readonly outputOrRows?: ObjectShape<Record<string, unknown>>
  readonly columns?: readonly Column<unknown>[]
  readonly empty?: string
  readonly noMatch?: string
  readonly forPrograms?: true
  readonly done?: (result: unknown, brush: Brush) => string
  readonly text?: true
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
