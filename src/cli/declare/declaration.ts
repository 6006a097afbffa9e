/**
 * What a command is, what it may reach while it runs, and how commands are found: types alone, and in one file because
 * each is said in terms of the others. `define.ts` has the words by which a command is declared.
 */

import type { ObjectShape } from '../../contract/shape.ts'
import type { Latchkey } from '../../index.ts'
import type { StopSignal } from '../../server/serve.ts'
import type { Environment } from '../../system/home.ts'
import type { Config } from '../settings/config.ts'
import type { Output } from '../terminal/streams.ts'
import type { Brush } from './brush.ts'
import type { Column, Listing, Total } from './column.ts'
import type { Parse } from './parser.ts'

/** What a command does to the world. `execute.ts` derives dry runs and confirmations from it. */
export type Effect = 'read' | 'write' | 'destroy'

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
  /** An earlier spelling that scripts may use: understood, and shown nowhere. */
  readonly hidden?: true
  readonly type?: T
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>
export type Options = Readonly<Record<string, Option<unknown>>>

type ArgumentValue<A> = A extends Argument<infer T> ? T : never
type OptionValue<O> = O extends Option<infer T> ? T : never

/** The values of options, by their names. */
export type Values<O extends Options> = { readonly [K in keyof O]: OptionValue<O[K]> }

/** What `run` receives: every argument and option under its own name. */
export type Input<A extends Arguments, O extends Options> = {
  readonly [K in keyof A]: ArgumentValue<A[K]>
} & Values<O>

/** What a command is, in all: `define.ts` checks one, and everything else reads it as a `Declaration`. */
export interface Spec<A extends Arguments, O extends Options, Result, Returned = Result> {
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
  readonly run: (context: Context, input: Input<A, O>) => Promise<NoInfer<Returned>>
  /** How the result reads: `one`, `rows`, `oneOrRows` or `text` of `define.ts`. */
  readonly prints: Prints<Result, Returned, NoInfer<Input<A, O>>>
  /**
   * What a dry run says would be done, as it goes on behind "Would": `create key ci`. Undefined where the command only
   * looks. Ids are left out: nothing will have them.
   */
  readonly would?: (result: Result, brush: Brush, input: Input<A, O>) => string | undefined
  /** Runs also when the settings are broken, on flags and defaults: it looks at them or mends them. */
  readonly mendsSettings?: true
  /** Exit code of a run that did not throw; 0 when not given. */
  readonly exit?: (result: Result) => number
  /** What to say on stderr after the result, for people only. */
  readonly notice?: (result: Result, input: Input<A, O>) => string | undefined
  /** Lines to print for people in place of everything else; undefined: as usual. */
  readonly lines?: (result: Result, input: Input<A, O>) => readonly string[] | undefined
  /**
   * The result holds a secret that is shown this once: formats that would drop it (-q, csv without the field)
   * are refused before the command runs.
   */
  readonly revealsSecret?: (input: Input<A, O>) => boolean
}

/** A command with its types forgotten, for the modules that treat all of them alike. */
export interface Declaration extends Spec<Arguments, Options, unknown> {
  readonly args: Arguments
  readonly options: Options
}

/** How many things a command prints, of what shape, and how they are laid out for people. */
export type Prints<Result = unknown, Returned = unknown, Typed = never> = Layout & {
  readonly [types]?: Types<Result, Returned, Typed>
} & (
    | { readonly form: Form; readonly shape: ObjectShape<Record<string, unknown>> }
    | { readonly form: 'text'; readonly shape?: undefined }
  )

export type Form = 'one' | 'rows' | 'one or rows'

declare const types: unique symbol
type Types<Result, Returned, Typed> = (typed: Typed) => readonly [Result, Returned]

/** `Told` is what `done` tells of; `Typed` what it depends on of the input. */
export interface Layout<Row = unknown, Told = unknown, Typed = Record<string, unknown>> {
  /** Of the table; every field of the shape without them. With none at all nothing is drawn: NDJSON, for programs. */
  readonly columns?: readonly Column<Row>[] | ((typed: Typed) => readonly Column<Row>[])
  /** The last line of the table: what the quantities of all rows come to; undefined where there is nothing to add up. */
  readonly total?: (rows: readonly Row[], typed: Typed) => Total<Row> | undefined
  /** What to say on stderr instead of a table without rows. */
  readonly empty?: string
  /** The same where options say which rows are wanted: that there are others is not unlikely then. */
  readonly noMatch?: string
  /** A sentence or a drawing in place of the card or table; `-o wide` has these all the same. */
  readonly done?: (result: Told, brush: Brush) => string
}

/** What a command may reach while it runs: the operations, the clock, stdin, a person. */
export interface Context extends Asking, Incoming {
  /** The operations on the configured database: for reading alone unless the command changes something. */
  readonly operations: () => Promise<Latchkey>
  /** Loads the library, and gives what makes a connection by the settings of the run; whoever makes one closes it. */
  readonly connector: () => Promise<(onReplaced?: () => void) => Latchkey>
  readonly now: () => Date
  /** `2026-11-20 03:00 (9 h ago)`, for who has to decide on it. */
  readonly ago: (moment: Date) => Promise<string>
  readonly dryRun: boolean
  readonly config: Config
  readonly env: Environment
  /** The folder that the program was started in. */
  readonly folder: string
  /** How this program is started, by absolute paths: for whoever starts it later. */
  readonly program: readonly string[]
  /** Every command there is. */
  readonly tree: Tree
  /** An absolute path from one that was typed, if one was. @throws usage when it is none */
  readonly path: <T extends string | undefined>(typed: T) => T
  /** The same of a place of backups, where `s3://…` stays as it is. @throws usage */
  readonly place: <T extends string | undefined>(typed: T) => T
  /** Makes the command lines in a text fit the one that was typed; see `next-step.ts`. */
  readonly again: (text: string) => string
  /** A line for people, on stderr; none in a quiet run. */
  readonly notice: (text: string) => Promise<void>
  /** Something that went wrong although the command goes on, on stderr. */
  readonly warn: (text: string) => Promise<void>
  /** Stderr as it is, for a log. */
  readonly stderr: Output
  /** Runs another command line in this process, on a database of its own. */
  readonly invoke: Invoke
  /** Resolves when the process is told to stop. */
  readonly stopped: () => Promise<StopSignal>
  /** Closes what was opened. */
  readonly close: () => Promise<void>
  /** Takes the line of progress away, before something else is shown or asked. */
  readonly endProgress: () => Promise<void>
}

/** What of a context says where and when things are meant. */
export type Place = Pick<Context, 'config' | 'path' | 'place'>

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
  /** Does what was shown, in place of a run. It was tried already, and what was found out for that is still at hand. */
  readonly proceed?: () => Promise<unknown>
}

export interface Asking {
  readonly interactive: boolean
  /** A password typed twice; `instead` is the option that a script gives it by. */
  readonly askPassword: (message: string, instead?: string) => Promise<string>
  /** A secret that exists already, unseen while it is typed or pasted. Only while `interactive`. */
  readonly askSecret: () => Promise<string>
  /** Returns when it was confirmed; throws `not_confirmed` otherwise. */
  readonly confirm: (confirmation: Confirmation) => Promise<void>
}

export interface Incoming {
  /** What selects a key: what was typed, or for `-` the secret on stdin. */
  readonly keySelector: (typed: string) => Promise<string | { readonly secret: string }>
  /** The secret on stdin. The argument may say so (`-`) but not be it: others could read it there. */
  readonly secretArgument: (typed: string | undefined) => Promise<string>
  /** Whole stdin; refused at a terminal, where it would seem to hang. */
  readonly readStdin: () => Promise<string>
  /** Rows to be read: a file, or for `-` stdin, which is refused at a terminal. */
  readonly rowSource: (typed: string) => {
    readonly file: string
    readonly chunks?: AsyncIterable<Uint8Array>
    readonly csvVerbatim: boolean
  }
  /** The path of a file; without one, or for `-`, the bytes that are piped in, or pasted at a terminal until Ctrl-D. */
  readonly text: (typed: string | undefined) => Promise<string | AsyncIterable<Uint8Array>>
  /** A password in a file, or for `-` on stdin, without the line break at its end; at a terminal it is asked for. */
  readonly passwordFromFile: (typed: string) => Promise<string>
}

/** Runs one command line in this process, on a database of its own. */
export type Invoke = (
  words: readonly string[],
  options: { readonly db: string; readonly stdin?: string },
) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>

export type Load = () => Promise<{ readonly default: Declaration }>

/** A word that takes another one behind it: `key`, and `limit` in `key limit set`. */
export interface Words {
  readonly summary: string
  readonly verbs: Readonly<Record<string, Load | Words>>
}

/** The first word of a command line: alone a command, or with verbs of its own. */
type Noun = (Words | { readonly summary: string; readonly load: Load }) & {
  /** The heading below which help and reference have it. */
  readonly group?: Group
}

export type Group = 'Access' | 'Usage' | 'Safety' | 'Operations' | 'Program'

export type Tree = Readonly<Record<string, Noun>>
