/** Runs the program as a process, for signals, pipes, locks and terminals. For tests only. */

import { join } from 'node:path'
import { Terminal as Emulator } from '@xterm/headless'
import type { Environment } from '../system/home.ts'
import { shellWord } from '../text/shell-word.ts'
import { requireContract } from './outcome.ts'
import { type Ran, type RunOptions, run, testEnvironment } from './run.ts'
import { splitWords } from './words.ts'

export interface SpawnOptions {
  readonly env?: Environment
  readonly cwd?: string
  readonly stdin?: string
  readonly db?: string
  /** A program instead of bin/latchkey.ts. */
  readonly entry?: string
  /** Columns of the terminal; default 80. */
  readonly columns?: number
}

export interface Finished {
  readonly code: number
  readonly signal: string | null
  readonly out: string
  readonly err: string
  readonly json: <T = unknown>() => T
}

export interface Running {
  readonly pid: number
  readonly kill: (signal: NodeJS.Signals) => void
  readonly finished: Promise<Finished>
}

export const entryPoint = join(import.meta.dir, '../../bin/latchkey.ts')

const compiled = process.env['LATCHKEY_PROGRAM'] ?? process.env['LATCHKEY_TEST_PROGRAM']

/**
 * The program: the source; or compiled, which starts in a third of the time, under `bun run test`, and which is itself what
 * `bun run test:binary` tests.
 */
export const program: readonly string[] = compiled === undefined ? [process.execPath, entryPoint] : [compiled]

/** A shell script that runs the program with its own arguments. */
export const launcher = `#!/bin/sh\nexec ${program.map(shellWord).join(' ')} "$@"\n`

const repository = join(import.meta.dir, '../..')

/** For tests that claim nothing about processes: runs in this one, unless the compiled program is tested. */
export const runOrSpawn = (
  args: string | readonly string[],
  options: Pick<RunOptions & SpawnOptions, 'env' | 'cwd' | 'stdin' | 'db'>,
): Promise<Ran> =>
  process.env['LATCHKEY_PROGRAM'] === undefined
    ? run(args, { ...options, program })
    : spawnLatchkey(args, options)

/** Runs it to its end. */
export const spawnLatchkey = (args: string | readonly string[], options?: SpawnOptions): Promise<Finished> =>
  startLatchkey(args, options).finished

/** Starts it, so that the test can do something meanwhile. */
export function startLatchkey(args: string | readonly string[], options: SpawnOptions = {}): Running {
  const child = Bun.spawn(commandOf(args, options), {
    cwd: options.cwd ?? repository,
    env: processEnvironment(options),
    stdin: new Blob([options.stdin ?? '']),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const finish = async (): Promise<Finished> => {
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
    const code = await child.exited
    // The contract does not cover output that a signal cut short, or output of other programs.
    if (child.signalCode === null && options.entry === undefined) {
      const argv = typeof args === 'string' ? splitWords(args) : args
      const cwd = options.cwd ?? repository
      await requireContract({ argv, env: processEnvironment(options), cwd, code, out, err })
    }
    return {
      code,
      signal: child.signalCode === null ? null : String(child.signalCode),
      out,
      err,
      json: () => JSON.parse(out),
    }
  }
  return { pid: child.pid, kill: signal => child.kill(signal), finished: finish() }
}

export interface RunningGateway extends Running {
  /** Ends its stdin. What is running finishes. */
  readonly stop: () => void
  /** The first line of its output. */
  readonly line: () => Promise<string>
}

/** Runs `gateway.ts` as a process. */
export function startGateway(what: string, db: string, given: object): RunningGateway {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, 'gateway.ts'), what, db, JSON.stringify(given)],
    { cwd: repository, env: processEnvironment({}), stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
  )
  let out = ''
  const { promise: first, resolve } = Promise.withResolvers<string>()
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) {
      out += decoder.decode(chunk, { stream: true })
      if (out.includes('\n')) resolve(out.slice(0, out.indexOf('\n')))
    }
    resolve(out)
  })()
  const finish = async (): Promise<Finished> => {
    const [err, code] = await Promise.all([child.stderr.text(), child.exited, reading])
    const signal = child.signalCode === null ? null : String(child.signalCode)
    return { code, signal, out, err, json: () => JSON.parse(out) }
  }
  return {
    pid: child.pid,
    kill: signal => child.kill(signal),
    stop: () => child.stdin.end(),
    line: () => first,
    finished: finish(),
  }
}

/** What a person types once the screen shows something. */
export interface Typed {
  readonly when: RegExp
  readonly keys: string
}

/** What a terminal shows at the end. */
export interface Drawn {
  readonly code: number
  /** The whole output with its escapes. */
  readonly screen: string
  /** What a person sees, line by line, without empty lines at the end. */
  readonly lines: readonly string[]
}

/** Runs it with a pseudo-terminal as its controlling terminal, so that keys send signals. `wrap` replaces the command. */
export async function onTerminal(
  args: string | readonly string[],
  typed: readonly Typed[],
  options: SpawnOptions & { readonly wrap?: (command: readonly string[]) => readonly string[] } = {},
): Promise<Drawn> {
  const waiting = [...typed]
  const decoder = new TextDecoder()
  const size = { cols: options.columns ?? 80, rows: 24 }
  const emulator = new Emulator({ ...size, allowProposedApi: true })
  let screen = ''
  let seen = 0
  const { promise: drawn, resolve: ended } = Promise.withResolvers<void>()
  const command = commandOf(args, options)
  const child = Bun.spawn([...(options.wrap?.(command) ?? command)], {
    cwd: options.cwd ?? repository,
    env: { TERM: 'xterm', ...processEnvironment(options) },
    // A terminal made elsewhere keeps its other side open here, so it would never tell its end.
    terminal: {
      ...size,
      data: (self, data) => {
        emulator.write(data)
        screen += decoder.decode(data, { stream: true })
        const next = waiting[0]
        if (next === undefined || !next.when.test(screen.slice(seen))) return
        waiting.shift()
        seen = screen.length
        // A prompt that has been drawn is listening.
        self.write(next.keys)
      },
      exit: () => ended(),
    },
  })
  const [code] = await Promise.all([child.exited, drawn])
  child.terminal?.close()
  await new Promise<void>(resolve => emulator.write('', resolve))
  const { active } = emulator.buffer
  const lines = Array.from(
    { length: active.length },
    (_, y) => active.getLine(y)?.translateToString(true) ?? '',
  )
  return { code, screen, lines: lines.slice(0, lines.findLastIndex(line => line !== '') + 1) }
}

function commandOf(args: string | readonly string[], { entry }: SpawnOptions): string[] {
  const started = entry === undefined ? program : [process.execPath, entry]
  return [...started, ...(typeof args === 'string' ? splitWords(args) : args)]
}

/** `testEnvironment` for a process, which also needs PATH. */
export function processEnvironment({ env, db }: SpawnOptions): Record<string, string | undefined> {
  return { PATH: process.env['PATH'], ...testEnvironment(env, db) }
}
