/**
 * Types of commands, of what they can use while they run, and of how they are found. They are in one file because they
 * refer to each other. `define.ts` has the functions that declare a command.
 */

import type { ObjectShape } from '../../contract/shape.ts'
import type { Latchkey, LatchkeyOptions } from '../../index.ts'
import type { StopSignal } from '../../server/serve.ts'
import type { Environment } from '../../system/home.ts'
import type { Config } from '../settings/config.ts'
import type { Output } from '../terminal/streams.ts'
import type { Brush } from './brush.ts'
import type { Column, Listing, Total } from './column.ts'
import type { Parse } from './parser.ts'

/** What a command does. Dry runs and confirmations follow from it (`execute.ts`). */
export type Effect = 'read' | 'write' | 'destroy'

export interface Argument<T> {
  readonly kind: 'one' | 'optional' | 'many' | 'any'
  readonly summary: string
  readonly parse: Parse<unknown>
  /** For a required argument that one of these options can replace. */
  readonly unless?: readonly string[]
  /** Whether it may name something that does not exist yet, so that nothing is picked. */
  readonly isNew?: true
  /** What to do if it is missing. Default: see the help of the command. */
  readonly hint?: string
  readonly type?: T
}

export interface Option<T> {
  /**
   * flag: present or not. value: at most one. many: repeatable. list: repeatable, and each value holds several.
   * clearable: a value, or `--no-…` for none.
   */
  readonly kind: 'flag' | 'value' | 'many' | 'list' | 'clearable'
  readonly placeholder: string
  readonly summary: string
  readonly parse: Parse<unknown>
  readonly choices?: readonly string[]
  readonly required: boolean
  /** A required option that one of these, named as in the declaration, replaces. */
  readonly unless?: readonly string[]
  /** For a clearable list: each use adds to it. */
  readonly repeatable?: boolean
  readonly short?: string
  /** An earlier spelling. Scripts can still use it, but it is not shown. */
  readonly hidden?: true
  readonly type?: T
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>
export type Options = Readonly<Record<string, Option<unknown>>>

type ArgumentValue<A> = A extends Argument<infer T> ? T : never
type OptionValue<O> = O extends Option<infer T> ? T : never

/** The values of options, by name. */
export type Values<O extends Options> = { readonly [K in keyof O]: OptionValue<O[K]> }

/** The input of `run`: every argument and option by name. */
export type Input<A extends Arguments, O extends Options> = {
  readonly [K in keyof A]: ArgumentValue<A[K]>
} & Values<O>

/** A complete command. `define.ts` checks its types; all other modules read it as a `Declaration`. */
export interface Spec<A extends Arguments, O extends Options, Result, Returned = Result> {
  readonly effect: Effect
  /** One line, imperative, without a full stop. */
  readonly summary: string
  /** Paragraphs below the usage line in the help. */
  readonly description?: string
  readonly examples: readonly [string, ...string[]]
  readonly args?: A
  readonly options?: O
  /**
   * Options, or `db`, that a person is also asked for if something is missing. A command without required values asks
   * if it was typed alone and `db` has its default.
   */
  readonly wizard?: readonly (Extract<keyof O, string> | 'db')[]
  /** The question; undefined if there is nothing to ask. */
  readonly confirm?: (context: Context, input: Input<A, O>) => Promise<Confirmation | undefined>
  /** Whether this input must be confirmed. By default destroying commands are, and no others. */
  readonly asks?: (input: Input<A, O>) => boolean
  /** If nobody can be asked, it runs without confirmation. For commands that erase nothing and that scripts already use. */
  readonly goesAheadAlone?: true
  readonly run: (context: Context, input: Input<A, O>) => Promise<NoInfer<Returned>>
  /** How the result is printed: `one`, `rows`, `oneOrRows` or `text` of `define.ts`. */
  readonly prints: Prints<Result, Returned, NoInfer<Input<A, O>>>
  /**
   * The text of a dry run, after "Would": `create key ci`. Undefined for commands that only read. Without ids, because
   * they would not be kept.
   */
  readonly would?: (result: Result, brush: Brush, input: Input<A, O>) => string | undefined
  /** Also runs if the settings are broken, with flags and defaults, because it shows or fixes them. */
  readonly mendsSettings?: true
  /** The exit code if nothing was thrown. Default: 0. */
  readonly exit?: (result: Result) => number
  /** Text for stderr after the result, for people only. */
  readonly notice?: (result: Result, input: Input<A, O>) => string | undefined
  /** Lines that people get in place of everything else; undefined for the usual output. */
  readonly lines?: (
    result: NoInfer<Returned>,
    input: Input<A, O>,
  ) => readonly string[] | AsyncIterable<string> | undefined
  /** Bytes that people get in place of everything else. A terminal gets them only if they are text. */
  readonly bytes?: (result: Result) => Uint8Array | undefined
  /**
   * The secret in the result that is only shown once. Formats that would drop it (-q, csv without the field) are
   * refused before the command runs.
   */
  readonly revealsSecret?: (input: Input<A, O>) => Revealed<NoInfer<RowOf<Result>>> | undefined
}

/** A secret that is only shown once, and what to do if nobody could read it. */
export interface Revealed<Row> {
  /** The field that has it, which is also what people call it. */
  readonly field: 'secret' | 'password' | 'token'
  /** What it is for: `ci`. */
  readonly of: (row: Row) => string
  /** How to get another: `create a new secret with: latchkey key rotate key_…`. */
  readonly again: (row: Row) => string
}

type RowOf<Result> = Result extends readonly (infer Row)[] ? Row : Result

/** A command of any type, for modules that treat all commands alike. */
export interface Declaration extends Spec<Arguments, Options, unknown> {
  readonly args: Arguments
  readonly options: Options
}

/** How many things a command prints, their shape, and how people see them. */
export type Prints<Result = unknown, Returned = unknown, Typed = never> = Layout & {
  readonly [types]?: Types<Result, Returned, Typed>
} & (
    | { readonly form: Form; readonly shape: ObjectShape<Record<string, unknown>> }
    | { readonly form: 'text'; readonly shape?: undefined }
  )

export type Form = 'one' | 'rows' | 'one or rows'

declare const types: unique symbol
type Types<Result, Returned, Typed> = (typed: Typed) => readonly [Result, Returned]

/** `Told` is what `done` describes; `Typed` is the input that it depends on. */
export interface Layout<Row = unknown, Told = unknown, Typed = Record<string, unknown>> {
  /** Columns of the table. Default: every field of the shape. If empty, nothing is drawn, only NDJSON for programs. */
  readonly columns?: readonly Column<Row>[] | ((typed: Typed) => readonly Column<Row>[])
  /** The last line of the table with the totals of all rows; undefined if there is nothing to add up. */
  readonly total?: (rows: readonly Row[], typed: Typed) => Total<Row> | undefined
  /** Text for stderr if the table has no rows. */
  readonly empty?: string
  /** The same if a filter was given, so that other rows may exist. */
  readonly noMatch?: string
  /** A sentence or drawing in place of the card or table. `-o wide` still shows the table. */
  readonly done?: (result: Told, brush: Brush, typed: Typed) => string
}

/** Connects with the settings of the run, and what else a server wants. */
export type Connect = (more?: Pick<LatchkeyOptions, 'onReplaced' | 'verdictsByTurn'>) => Latchkey

/** What a command can use while it runs: operations, the clock, stdin, a person. */
export interface Context extends Asking, Incoming {
  /** The operations on the configured database. Read-only unless the command changes something. */
  readonly operations: () => Promise<Latchkey>
  /** Loads the library and returns a function that connects with the settings of the run. The caller closes connections. */
  readonly connector: () => Promise<Connect>
  readonly now: () => Date
  /** `2026-11-20 03:00 (9 h ago)`, for questions. */
  readonly ago: (moment: Date) => Promise<string>
  readonly dryRun: boolean
  readonly config: Config
  readonly env: Environment
  /** The current folder. */
  readonly folder: string
  /** How this program is started, with absolute paths, for schedules. */
  readonly program: readonly string[]
  /** Every command. */
  readonly tree: Tree
  /** Makes a typed path absolute; undefined stays undefined. @throws usage (not a path) */
  readonly path: <T extends string | undefined>(typed: T) => T
  /** The same of a database; a URL stays as it is. */
  readonly database: (typed: string) => string
  /** The same for a place of backups. `s3://…` stays as it is. @throws usage */
  readonly place: <T extends string | undefined>(typed: T) => T
  /** Adapts the command lines in a text to the one that was typed; see `next-step.ts`. */
  readonly again: (text: string) => string
  /** Prints a line for people on stderr, unless the run is quiet. */
  readonly notice: (text: string) => Promise<void>
  /** Prints a warning on stderr: something went wrong, but the command continues. */
  readonly warn: (text: string) => Promise<void>
  /** Plain stderr, for a log. */
  readonly stderr: Output
  /** Runs another command line in this process, on a separate database. */
  readonly invoke: Invoke
  /** Resolves when the process is told to stop. */
  readonly stopped: () => Promise<StopSignal>
  /** Closes what was opened. */
  readonly close: () => Promise<void>
  /** Clears the progress line before something else is shown or asked. */
  readonly endProgress: () => Promise<void>
}

/** The parts of a context that say where and when. */
export type Place = Pick<Context, 'config' | 'path' | 'place'>

/** The question of a destroying command. */
export interface Confirmation {
  readonly question: string
  /** The database, if it is not the configured one. */
  readonly database?: string | undefined
  /** If given, the person must type this instead of y. */
  readonly typed?: string
  /** Shown as a table before the question. */
  readonly list?: Listing
  /** Arguments that limit the run to what was confirmed. */
  readonly binds?: Readonly<Record<string, unknown>>
  /** Runs in place of `run`, with what was prepared for the question. */
  readonly proceed?: () => Promise<unknown>
}

export interface Asking {
  readonly interactive: boolean
  /** A password, typed twice. `instead` is the option for scripts. */
  readonly askPassword: (message: string, instead?: string) => Promise<string>
  /** An existing secret, which is not shown while it is typed or pasted. Only if `interactive`. */
  readonly askSecret: (what: SecretWord) => Promise<string>
  /** Returns if it was confirmed. Throws `not_confirmed` otherwise. */
  readonly confirm: (confirmation: Confirmation) => Promise<void>
}

export type SecretWord = 'secret' | 'token'

/** What a secret is called, and the command line that it is piped into. */
interface SecretSort {
  readonly what: SecretWord
  readonly into: string
}

export interface Incoming {
  /** The selector of a key: the typed text, or for `-` the secret on stdin. */
  readonly keySelector: (typed: string) => Promise<string | { readonly secret: string }>
  /** The secret on stdin. The argument may only be `-`, because other users can read command lines. */
  readonly secretArgument: (typed: string | undefined, about?: SecretSort) => Promise<string>
  /** All of stdin. Refused at a terminal, where it would seem to hang. */
  readonly readStdin: () => Promise<string>
  /** Rows from a file, or for `-` from stdin. Refused at a terminal. */
  readonly rowSource: (typed: string) => {
    readonly file: string
    readonly chunks?: AsyncIterable<Uint8Array>
    readonly csvVerbatim: boolean
  }
  /** The path of a file. Without one, or for `-`, the bytes on stdin; at a terminal, until Ctrl-D. */
  readonly text: (typed: string | undefined) => Promise<string | AsyncIterable<Uint8Array>>
  /** One JSON value, from a file or for `-` from stdin. @throws usage, and never quotes it */
  readonly json: (typed: string) => Promise<unknown>
  /** A password from a file, or for `-` from stdin, without its final line break. At a terminal it is asked for. */
  readonly passwordFromFile: (typed: string) => Promise<string>
}

/** Runs one command line in this process, on a separate database. */
export type Invoke = (
  words: readonly string[],
  options: { readonly db: string; readonly stdin?: string },
) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>

export type Load = () => Promise<{ readonly default: Declaration }>

/** A word that is followed by another: `key`, or `limit` in `key limit set`. */
export interface Words {
  readonly summary: string
  readonly verbs: Readonly<Record<string, Load | Words>>
}

/** The first word of a command line: a command, or a noun with verbs. */
type Noun = (Words | { readonly summary: string; readonly load: Load }) & {
  /** Its heading in the help and the reference. */
  readonly group?: Group
  /** The noun on whose line the first page of help names it, so that the page fits a screen. */
  readonly beside?: string
}

export type Group = 'Access' | 'Usage' | 'Safety' | 'Operations' | 'Program'

export type Tree = Readonly<Record<string, Noun>>
