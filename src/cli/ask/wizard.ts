/**
 * Runs a command line from a terminal. Asks for missing values, and shows the complete line for the next time. Each
 * answer is tried out in a dry run before it is accepted, so that no rule is written twice.
 */

import { exitCodes } from '../../contract/errors.ts'
import { failureOf } from '../../contract/failure.ts'
import { shellLine } from '../../text/shell-word.ts'
import type { Declaration } from '../declare/declaration.ts'
import { openForReading } from '../run/connect.ts'
import { isConfirmed } from '../run/execute.ts'
import { type Outside, run, type Settled, understand } from '../run/run.ts'
import { printable } from '../terminal/printable.ts'
import type { Prompts } from '../terminal/prompt.ts'
import { memoryInput, memoryOutput } from '../terminal/streams.ts'
import { askMissing, inserted } from './questions.ts'

/** Returns the exit code. Throws what `run` throws, and an error if a question is cancelled. */
export async function runAsking(
  argv: readonly string[],
  typed: Settled,
  asked: Prompts,
  outside: Outside,
): Promise<number> {
  const { streams, env, now } = outside
  const { config } = typed
  const { from } = typed.input()
  let isSecret = false
  const prompts: Prompts = {
    ...asked,
    password: async message => {
      isSecret = true
      return asked.password(message)
    },
  }
  const line = await askMissing(argv, typed, {
    prompts,
    config,
    now: now(),
    from: from === undefined ? undefined : String(from),
    open: () => openForReading(config, env),
    problem: words => rehearse(words, outside),
  })
  if (line === argv) return run(typed, outside)
  let whole = line
  const tell = () => {
    const [about, words] = isSecret ? secretly(whole, typed.declaration) : ['', whole]
    return streams.stderr.write(`The same without questions${about}:\n  ${printable(shellLine(words))}\n`)
  }
  try {
    const settled = await understand(line, outside)
    if (willConfirm(settled)) whole = inserted(line, ['--yes'])
    const code = await run({ ...settled, prompts: async () => prompts }, outside)
    await tell()
    return code
  } catch (error) {
    // Whoever cancelled does not need the line. Whoever was refused can fix it.
    const { code } = failureOf(error)
    if (code !== 'not_confirmed' && code !== 'interrupted') await tell()
    throw error
  }
}

const willConfirm = ({ declaration, input, globals, dryRun }: Settled): boolean =>
  !globals.yes && !dryRun && !declaration.goesAheadAlone && isConfirmed(declaration, input())

/** The command line of a script, which gives the password or the secret on stdin. */
function secretly(line: readonly string[], { options }: Declaration): readonly [string, readonly string[]] {
  if (!('passwordFile' in options)) return [', the secret on stdin', line]
  const words = line.filter(word => word !== '--ask-password')
  return [', the password on stdin', inserted(words, ['--password-file', '-'])]
}

/**
 * The problem of a command line so far. If it has all that it needs and the command has a wizard, it is tried in a dry
 * run without output. Other commands may take long and need only one answer, so only their input is read.
 */
async function rehearse(argv: readonly string[], outside: Outside): Promise<string | undefined> {
  try {
    const streams = { stdin: memoryInput(''), stdout: memoryOutput(), stderr: memoryOutput() }
    const unseen = { ...outside, streams }
    const settled = await understand(argv, unseen)
    if (settled.missing.length > 0 || settled.declaration.wizard === undefined) settled.input()
    else await run({ ...settled, dryRun: true }, unseen)
    return undefined
  } catch (error) {
    const { code, exit, message, hint } = failureOf(error)
    // Other answers would not help. The run itself will report it.
    if (exit !== exitCodes.usage && exit !== exitCodes.not_found && exit !== exitCodes.conflict)
      return undefined
    return code === 'usage' ? `${message}; ${hint}` : message
  }
}
