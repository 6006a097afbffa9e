/**
 * The streams of this process as main() takes them. Node's own take longer to make than most commands run: they are
 * made for a terminal alone, and nothing is written through them.
 */
import { fstatSync, readFileSync, statSync, write, writeSync } from 'node:fs'
import {
  ClosedPipe,
  closedStdout,
  type Output,
  type Pager,
  type Streams,
  stdoutFailure,
} from '../src/cli/terminal/streams.ts'

/**
 * Those of descriptors 0, 1 and 2, whatever they are connected to, closed ones included.
 *
 * @param isStopping whether the process was told to stop, and may no longer wait for its readers
 */
export async function streams(isStopping: () => boolean): Promise<Streams> {
  const stdin = await isTerminal(0)
  const stdout = (await isTerminal(1)) ? process.stdout : undefined
  const stderr = (await isTerminal(2)) ? process.stderr : undefined
  const [sendNow, sendBeside] = [sender(1, writeNow), sender(1, writeBeside)]
  const send = (text: string | Uint8Array) => (isStopping() ? inTime(sendBeside(text)) : sendNow(text))
  const isClosed = isNull(statOf(1)) && wasClosed(1)
  return {
    stdin: { isTerminal: stdin, text: () => Bun.stdin.text(), chunks: () => Bun.stdin.stream() },
    stdout: {
      ...output(isClosed ? () => Promise.reject(closedStdout()) : send, stdout, stdoutFailure),
      isClosed,
      pager: pager(stdout?.rows),
    },
    // Talk that cannot be heard is nobody's failure, and holds up nothing.
    stderr: output(sender(2, writeBeside), stderr, () => undefined),
    terminal: stdin && stderr ? { input: process.stdin, output: stderr, suspend } : undefined,
  }
}

/** Node has much to load for an answer, so it is asked only about what may be one: a device other than /dev/null. */
async function isTerminal(descriptor: number): Promise<boolean> {
  const file = statOf(descriptor)
  if (!file?.isCharacterDevice() || isNull(file)) return false
  const { isatty } = await import('node:tty')
  return isatty(descriptor)
}

const isNull = (file: ReturnType<typeof statOf>): boolean =>
  file?.isCharacterDevice() === true && file.rdev === statSync('/dev/null').rdev

/**
 * Whether whoever started this process had closed the descriptor. Bun puts /dev/null in its place, to be closed on exec,
 * as no descriptor that came through an exec can be (fcntl(2), O_CLOEXEC of Linux; see proc_pid_fdinfo(5)).
 */
function wasClosed(descriptor: number): boolean {
  try {
    const [, flags = ''] =
      /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & 0o2000000) !== 0
  } catch {
    return false
  }
}

/** Stops all that the shell sees as one job, as the terminal itself does while it is not raw. */
function suspend(resumed: () => void): void {
  process.stdin.setRawMode(false)
  process.once('SIGCONT', () => {
    process.stdin.setRawMode(true)
    resumed()
  })
  process.kill(0, 'SIGTSTP')
}

/** Nothing when the descriptor is closed. */
function statOf(descriptor: number): ReturnType<typeof fstatSync> | undefined {
  try {
    return fstatSync(descriptor)
  } catch {
    return undefined
  }
}

function pager(rows: number | undefined): Pager | undefined {
  if (!rows) return undefined
  const load = () => import('../src/cli/terminal/pager.ts')
  return { rows, page: async (command, text) => (await load()).page(command, text, process.env) }
}

/** How many bytes were taken: of a pipe that others have told not to wait, none when it is full. */
type Write = (descriptor: number, bytes: Uint8Array) => number | Promise<number>

/** `Bun.write` makes room in a file before it writes: with `>>` the text then comes after as many zeros. */
function sender(descriptor: number, write: Write): (text: string | Uint8Array) => Promise<void> {
  return async text => {
    let rest: Uint8Array = typeof text === 'string' ? new TextEncoder().encode(text) : text
    while (rest.length > 0) rest = rest.subarray(await write(descriptor, rest))
  }
}

/** Results: whoever runs a command for them waits for them, and so may all of it. */
const writeNow: Write = (descriptor, bytes) => {
  try {
    return writeSync(descriptor, bytes)
  } catch (error) {
    if (failedWith('EAGAIN', error)) return soon()
    throw error
  }
}

/** Talk: a server must not stand still because nobody reads its log. */
const writeBeside: Write = (descriptor, bytes) =>
  new Promise((resolve, reject) => {
    write(descriptor, bytes, (error, count) => {
      if (error === null) resolve(count)
      else if (failedWith('EAGAIN', error)) resolve(soon())
      else reject(error)
    })
  })

/** Who does not take in two seconds what a process says at its end is taken to have gone. */
const inTime = (sent: Promise<void>): Promise<void> =>
  Promise.race([sent, Bun.sleep(2_000).then(() => Promise.reject(new ClosedPipe()))])

const soon = (): Promise<number> => new Promise(resolve => setTimeout(resolve, 5, 0))

const failedWith = (code: string, error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === code

/** `failure` makes of what went wrong the error that the writer gets, or nothing where it does not matter. */
function output(
  send: (text: string | Uint8Array) => Promise<unknown>,
  screen: NodeJS.WriteStream | undefined,
  failure: (error: unknown) => unknown,
): Output {
  // Who does not wait for a write may begin the next: they keep their order.
  let last: Promise<unknown> = Promise.resolve()
  const deliver = async (text: string | Uint8Array): Promise<void> => {
    try {
      await send(text)
    } catch (error) {
      const problem = failure(error)
      if (problem) throw problem
    }
  }
  return {
    isTerminal: screen !== undefined,
    // A terminal that was never told its size says 0.
    columns: screen?.columns || undefined,
    write: text => {
      const written = last.then(() => deliver(text))
      last = written.catch(() => {})
      return written
    },
  }
}
