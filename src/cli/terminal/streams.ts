/** The three streams of a run, as the command line sees them. Must know nothing of the process behind them. */
import { LatchkeyError } from '../../contract/errors.ts'

interface Input {
  readonly isTerminal: boolean
  /** Everything up to the end of the stream. */
  readonly text: () => Promise<string>
  /** The same as bytes, as they come in: for what may be larger than memory, or no text. */
  readonly chunks: () => AsyncIterable<Uint8Array>
}

export interface Output {
  readonly isTerminal: boolean
  /** Columns of the terminal; undefined when it is none. */
  readonly columns?: number | undefined
  /** There is none: whoever started the program closed it. */
  readonly isClosed?: boolean
  /** Shows a long text to a person; given when there is a terminal to show it on. */
  readonly pager?: Pager | undefined
  /** Resolves when the text has been taken, so a slow reader slows the writer. Rejects with `ClosedPipe`. */
  readonly write: (text: string) => Promise<void>
}

export interface Pager {
  /** Lines of the terminal. */
  readonly rows: number
  /** Resolves when the person has left it; to false when the command cannot be run, and nothing was shown. */
  readonly page: (command: string, text: string) => Promise<boolean>
}

export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  /** Talk. Its reader going away is nobody's failure, so its `write` swallows that. */
  readonly stderr: Output
  /** What prompts read from and draw on; given when stdin and stderr are terminals. */
  readonly terminal?: Terminal | undefined
}

export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  /** Ctrl-Z: the shell has the terminal until the person comes back; the terminal is raw again when `resumed` is called. */
  readonly suspend: (resumed: () => void) => void
}

/** The reader of stdout has gone (`latchkey … | head`): nothing more to say, and no failure. */
export class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe'
}

/** There never was a stdout (`latchkey … >&-`): unlike a reader who leaves, nobody meant to see enough. */
export const closedStdout = (): LatchkeyError =>
  new LatchkeyError('config', 'stdout is closed', 'redirect it to a file, a pipe or /dev/null')

/** An input that holds what is given, and is no terminal. */
export function memoryInput(content: string | Uint8Array<ArrayBuffer>): Input {
  const held = new Blob([content])
  return { isTerminal: false, text: () => held.text(), chunks: () => held.stream() }
}

/** An output that keeps what is written, for running a command line within another. */
export function memoryOutput(columns?: number): Output & { readonly text: () => string } {
  const written: string[] = []
  return {
    isTerminal: columns !== undefined,
    columns,
    write: async text => {
      written.push(text)
    },
    text: () => written.join(''),
  }
}
