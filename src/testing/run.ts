/** Runs a command line within the test's process, on streams in memory. For tests only. */

import type { Tree } from '../cli/declare/declaration.ts'
import type { Prompts } from '../cli/terminal/prompt.ts'
import { memoryInput, memoryOutput, stdoutFailure } from '../cli/terminal/streams.ts'
import { main } from '../main.ts'
import type { Environment } from '../system/home.ts'
import { requireContract } from './outcome.ts'
import { splitWords } from './words.ts'

export interface RunOptions {
  /** Whether all three streams are terminals. */
  readonly tty?: boolean
  readonly columns?: number
  readonly now?: Date | (() => Date)
  readonly env?: Environment
  readonly stdin?: string | Uint8Array<ArrayBuffer>
  /** Whether nothing can be written to stdout, because its disk is full. */
  readonly fullStdout?: boolean
  /** Answers for a person. A question without one fails the test. */
  readonly prompts?: Partial<Prompts>
  /** Default: a folder that does not exist and cannot be created, so that a test cannot change the repository by accident. */
  readonly cwd?: string
  readonly db?: string
  readonly tree?: Tree
  /** What is started where the program starts itself. Default: nothing that there is. */
  readonly program?: readonly string[]
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Stdout as JSON. */
  readonly json: <T = unknown>() => T
}

export async function run(commandLine: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
  const {
    tty = false,
    columns = 80,
    now,
    env,
    stdin = '',
    fullStdout = false,
    prompts,
    cwd = nowhere,
    db,
    tree,
    program,
  } = options
  const argv = typeof commandLine === 'string' ? splitWords(commandLine) : commandLine
  const stdout = memoryOutput(tty ? columns : undefined)
  const stderr = memoryOutput(tty ? columns : undefined)
  const code = await main(
    argv,
    testEnvironment(env, db),
    {
      stdin: { ...memoryInput(stdin), isTerminal: tty },
      stdout: fullStdout ? { ...stdout, write: () => Promise.reject(stdoutFailure(diskFull)) } : stdout,
      stderr,
    },
    {
      cwd,
      prompts: { ...unprepared, ...prompts },
      ...(now === undefined ? {} : { now: typeof now === 'function' ? now : () => now }),
      ...(tree === undefined ? {} : { tree }),
      ...(program === undefined ? {} : { program }),
    },
  )
  const [out, err] = [stdout.text(), stderr.text()]
  await requireContract({ argv, env: testEnvironment(env, db), cwd, tree, code, out, err })
  return { code, out, err, json: () => JSON.parse(out) }
}

const diskFull = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })

/** Not even root can create anything there. */
export const nowhere = '/proc/nonexistent'

/** An environment that leads to no files of the person who runs the tests. */
export function testEnvironment(env: Environment = {}, db?: string): Record<string, string | undefined> {
  return { HOME: nowhere, LATCHKEY_ACTOR: 'tester', ...(db === undefined ? {} : { LATCHKEY_DB: db }), ...env }
}

const unexpected = (message: string): Promise<never> =>
  Promise.reject(new Error(`unexpected question: ${message}`))
const unprepared: Prompts = {
  password: unexpected,
  confirm: unexpected,
  text: unexpected,
  select: unexpected,
  search: unexpected,
}
