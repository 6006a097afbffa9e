/**
 * Runs what was typed at a terminal, with what a person adds where something is missing, and shows them the line to type
 * next time. An answer is tried out as a dry run before it is taken, so that no rule is written twice.
 */

import { exitCodes } from '../../contract/errors.ts'
import { failureOf } from '../../contract/failure.ts'
import { shellLine } from '../../text/shell-word.ts'
import { openForReading } from '../run/connect.ts'
import { isConfirmed } from '../run/execute.ts'
import { type Outside, run, type Settled, understand } from '../run/run.ts'
import { printable } from '../terminal/printable.ts'
import type { Prompts } from '../terminal/prompt.ts'
import { memoryInput, memoryOutput } from '../terminal/streams.ts'
import { askMissing, inserted } from './questions.ts'

/** Exit code of the run. Throws what `run` throws, and what leaving a question does. */
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
    const [about, words] = isSecret ? [', the password on stdin', secretly(whole)] : ['', whole]
    return streams.stderr.write(`The same without questions${about}:\n  ${printable(shellLine(words))}\n`)
  }
  try {
    const settled = await understand(line, outside)
    if (willConfirm(settled)) whole = inserted(line, ['--yes'])
    const code = await run({ ...settled, prompts: async () => prompts }, outside)
    await tell()
    return code
  } catch (error) {
    // Who has left it has no use for it; who was refused can mend it.
    const { code } = failureOf(error)
    if (code !== 'not_confirmed' && code !== 'interrupted') await tell()
    throw error
  }
}

const willConfirm = ({ declaration, input, globals, dryRun }: Settled): boolean =>
  !globals.yes && !dryRun && !declaration.goesAheadAlone && isConfirmed(declaration, input())

/** A password that was typed, as a script gives it. */
const secretly = (line: readonly string[]): readonly string[] =>
  inserted(
    line.filter(word => word !== '--ask-password'),
    ['--password-file', '-'],
  )

/**
 * What is wrong with a command line as far as it goes. A wizard's, with all that it needs, is run as a dry run, unseen; others
 * may take long, and are over with their one answer.
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
    // What no other answer would mend is told of when it is run.
    if (exit !== exitCodes.usage && exit !== exitCodes.not_found && exit !== exitCodes.conflict)
      return undefined
    return code === 'usage' ? `${message}; ${hint}` : message
  }
}
