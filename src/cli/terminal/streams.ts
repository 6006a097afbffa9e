/** The three streams of a run, as the command line sees them. Does not know the process behind them. */
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf, failureOf } from '../../contract/failure.ts'

interface Input {
  readonly isTerminal: boolean
  /** Everything until the end of the stream. */
  readonly text: () => Promise<string>
  /** The bytes as they arrive, for input that may be larger than memory or binary. */
  readonly chunks: () => AsyncIterable<Uint8Array>
}

export interface Output {
  readonly isTerminal: boolean
  /** Columns of the terminal; undefined if it is not a terminal. */
  readonly columns?: number | undefined
  /** Whether stdout is closed: the caller started the program without it. */
  readonly isClosed?: boolean
  /** Shows a long text to a person; undefined without a terminal. */
  readonly pager?: Pager | undefined
  /** Resolves when the text has been taken, so that a slow reader slows down the writer. Rejects with `ClosedPipe`. */
  readonly write: (text: string | Uint8Array) => Promise<void>
}

export interface Pager {
  /** Lines of the terminal. */
  readonly rows: number
  /** Resolves when the person has closed it; to false if the command cannot be run and nothing was shown. */
  readonly page: (command: string, text: string) => Promise<boolean>
}

export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  /** For messages. If its reader has gone, `write` ignores that. */
  readonly stderr: Output
  /** For prompts; given if stdin and stderr are terminals. */
  readonly terminal?: Terminal | undefined
}

export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  /** Ctrl-Z: the shell has the terminal until the person continues. The terminal is raw again when `resumed` is called. */
  readonly suspend: (resumed: () => void) => void
}

/** The reader of stdout has gone (`latchkey … | head`). Not a failure. */
export class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe'
}

/** There is no stdout (`latchkey … >&-`). Unlike a reader that has gone, this is a failure. */
export const closedStdout = (): LatchkeyError =>
  new LatchkeyError('config', 'stdout is closed', 'redirect it to a file, a pipe or /dev/null')

/** What a writer to stdout gets for an error of the system. Names stdout: it need not be on the disk of the database. */
export function stdoutFailure(error: unknown): Error {
  if (error instanceof ClosedPipe || error instanceof LatchkeyError) return error
  if (codeOf(error) === 'EPIPE') return new ClosedPipe()
  const { code, message } = failureOf(error)
  const next = code === 'disk_full' ? 'free some space where stdout goes, or redirect it' : 'redirect stdout'
  const hint = `${next} to another file, then run the command again`
  return new LatchkeyError(code, `stdout could not be written: ${message}`, hint, { cause: error })
}

/** An input with the given content, which is not a terminal. */
export function memoryInput(content: string | Uint8Array<ArrayBuffer>): Input {
  const held = new Blob([content])
  return { isTerminal: false, text: () => held.text(), chunks: () => held.stream() }
}

/** An output that collects what is written, to run a command line within another. */
export function memoryOutput(columns?: number): Output & { readonly text: () => string } {
  const written: string[] = []
  return {
    isTerminal: columns !== undefined,
    columns,
    write: async text => {
      written.push(typeof text === 'string' ? text : new TextDecoder().decode(text))
    },
    text: () => written.join(''),
  }
}
