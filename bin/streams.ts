/** The streams of this process as main() takes them. Loaded by the program alone: it costs what Node's streams cost. */
import { isatty } from 'node:tty'
import { ClosedPipe, type Output, type Pager, type Streams, type Terminal } from '../src/cli/streams.ts'

export function streams(): Streams {
  // Talk that cannot be heard is nobody's failure.
  const stderr = output(2, process.stderr, () => undefined)
  const written = output(1, process.stdout, error => (hasGone(error) ? new ClosedPipe() : error))
  const stdout = { ...written, pager: written.isTerminal ? pager(process.stdout.rows) : undefined }
  const stdin = { isTerminal: isatty(0), text: () => Bun.stdin.text(), chunks: () => Bun.stdin.stream() }
  return { stdin, stdout, stderr, terminal: stdin.isTerminal && stderr.isTerminal ? terminal() : undefined }
}

function terminal(): Terminal {
  return { input: process.stdin, output: process.stderr }
}

function pager(rows: number | undefined): Pager | undefined {
  if (!rows) return undefined
  const load = () => import('../src/cli/pager.ts')
  return { rows, page: async (command, text) => (await load()).page(command, text, process.env) }
}

function hasGone(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE'
}

/** `failure` makes of what went wrong the error that the writer gets, or nothing where it does not matter. */
function output(
  descriptor: number,
  stream: NodeJS.WriteStream,
  failure: (error: Error) => Error | undefined,
): Output {
  // Without a listener the same failure that the callback gets would also be thrown.
  stream.on('error', () => {})
  return {
    isTerminal: isatty(descriptor),
    // A terminal that was never told its size says 0.
    columns: (isatty(descriptor) && stream.columns) || undefined,
    write: text =>
      new Promise((resolve, reject) => {
        stream.write(text, error => {
          const problem = error ? failure(error) : undefined
          if (problem) reject(problem)
          else resolve()
        })
      }),
  }
}
