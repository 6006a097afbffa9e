#!/usr/bin/env bun
/**
 * Hands the process to main() and main's exit code to the process. Must never call process.exit(), which
 * would cut a pipe short, and installs no signal handler, which would wait for a running query.
 */
import { isatty } from 'node:tty'
import manifest from '../package.json' with { type: 'json' }
import type { Output, Pager, Streams, Terminal } from '../src/cli/streams.ts'

const wanted = manifest.engines.bun
if (typeof Bun === 'undefined' || !Bun.semver.satisfies(Bun.version, wanted)) {
  const found = typeof Bun === 'undefined' ? 'another runtime' : `Bun ${Bun.version}`
  process.stderr.write(`latchkey: Bun ${wanted} is needed, this is ${found}\ntry: bun upgrade\n`)
  process.exitCode = 78
} else {
  // Loaded only now, so that an old Bun gets as far as the message above.
  const { main } = await import('../src/main.ts')
  const { ClosedPipe } = await import('../src/cli/streams.ts')
  process.exitCode = await main(process.argv.slice(2), process.env, streams(ClosedPipe), {
    cwd: process.cwd(),
    program: Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main],
  })
}

function streams(ClosedPipe: new () => Error): Streams {
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
