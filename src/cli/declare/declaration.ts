/**
 * What a command is, what it may reach while it runs, and how commands are found: types alone, and in one file because
 * each is said in terms of the others. `define.ts` has the words by which a command is declared.
 */

import type { ObjectShape } from '../../contract/shape.ts'
import type { Actor, Latchkey } from '../../index.ts'
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

export type Arguments = Readonly<Record<string, string | Argument<unknown>>>
export type Options = Readonly<Record<string, Option<unknown>>>

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
  readonly columns?:
    | readonly Column<unknown>[]
    | ((input: Record<string, unknown>) => readonly Column<unknown>[])
  readonly total?: (rows: readonly unknown[], input: Record<string, unknown>) => Total<unknown> | undefined
  readonly empty?: string
  readonly noMatch?: string
  readonly forPrograms?: true
  readonly done?: (result: unknown, brush: Brush) => string
  readonly text?: true
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
  readonly timeZone: string
  readonly dryRun: boolean
  readonly config: Config
  readonly env: Environment
  /** The folder that the program was started in. */
  readonly folder: string
  readonly actor: Actor
  /** How this program is started, by absolute paths: for whoever starts it later. */
  readonly program: readonly string[]
  /** Every command there is. */
  readonly tree: Tree
  /** An absolute path from one that was typed. @throws usage when it is none */
  readonly path: (typed: string) => string
  /** The same of a place of backups, where `s3://…` stays as it is. @throws usage */
  readonly place: (typed: string) => string
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
export type Place = Pick<Context, 'path' | 'place' | 'timeZone'>

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

/** A word that takes another one behind it: `key`, and `limit` in `key limit add`. */
export interface Words {
  readonly summary: string
  readonly verbs: Readonly<Record<string, Load | Words>>
}

/** The first word of a command line: alone a command, or with verbs of its own. */
type Noun = Words | { readonly summary: string; readonly load: Load }

export type Tree = Readonly<Record<string, Noun>>
