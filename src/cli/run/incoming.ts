/**
 * Reads secrets, rows and texts from stdin or files. Never takes a secret from the command line, where other users
 * could read it, and never waits at a terminal for input that nobody expects to type.
 */
import { readFileSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import { whyUnreadable } from '../../system/errors.ts'
import type { Asking, Incoming, SecretWord } from '../declare/declaration.ts'
import type { Streams } from '../terminal/streams.ts'
import { typedLine } from './next-step.ts'

/**
 * @param at resolves a typed path
 * @param csvVerbatim whether CSV cells are read unchanged
 */
export function createIncoming(
  { stdin, stderr }: Streams,
  at: (typed: string) => string,
  asking: Asking,
  csvVerbatim: boolean,
): Incoming {
  // Kept, because a confirmation and the run may both read it.
  let read: Promise<string> | undefined
  const readStdin = async (): Promise<string> => {
    requirePipe(stdin)
    read ??= stdin.text()
    return read
  }

  const fromStdin = async (what: SecretWord = 'secret'): Promise<string> => {
    if (stdin.isTerminal && asking.interactive) read ??= asking.askSecret(what)
    const hint = `pipe the ${what} in: printf %s "$${what}" | ${typedLine}`
    return oneLine(await (read ?? readStdin()), 'stdin', hint)
  }
  const secretFromStdin = async (what?: SecretWord): Promise<string> => bareSecret(await fromStdin(what))

  return {
    readStdin,
    keySelector: async typed => {
      if (typed === '-') return { secret: await secretFromStdin() }
      if (ownSecret.test(typed)) throw exposed()
      return typed
    },
    secretArgument: async (typed, { what, into } = { what: 'secret', into: 'latchkey key verify' }) => {
      if (typed === undefined || typed === '-') return secretFromStdin(what)
      throw exposed(into, what)
    },
    passwordFromFile: async typed => {
      if (typed === '-') return fromStdin()
      return oneLine(readText(at(typed)), typed, 'write the secret to the file, or name another file')
    },
    json: async typed => {
      const text = typed === '-' ? await readStdin() : readText(at(typed))
      try {
        return JSON.parse(text)
      } catch {
        throw new LatchkeyError(
          'usage',
          `${typed === '-' ? 'stdin' : typed} is not JSON`,
          'give one JSON value',
        )
      }
    },
    rowSource: typed => {
      if (typed !== '-') return { file: at(typed), csvVerbatim }
      requirePipe(stdin)
      return { file: 'stdin', chunks: stdin.chunks(), csvVerbatim }
    },
    text: async typed => {
      if (typed !== undefined && typed !== '-') {
        if (ownSecret.test(typed)) throw exposed('latchkey key identify')
        return at(typed)
      }
      if (stdin.isTerminal) await stderr.write('Paste the text, then press Enter and Ctrl-D.\n')
      return stdin.chunks()
    },
  }
}

/** @throws usage at a terminal */
function requirePipe(stdin: Streams['stdin']): void {
  if (!stdin.isTerminal) return
  throw new LatchkeyError(
    'usage',
    'stdin is a terminal, so there is nothing to read',
    `pipe it in: ${typedLine} < FILE`,
  )
}

/** A prefix, 30 characters and their checksum. No name looks like this. */
const ownSecret = /^[A-Za-z0-9]+_[0-9A-Za-z]{36}$/

/** Does not repeat the secret, because errors are logged. */
const exposed = (into = 'latchkey key verify', what: SecretWord = 'secret'): LatchkeyError =>
  new LatchkeyError(
    'usage',
    `a ${what} on the command line is visible to every user of this machine`,
    `pipe it in instead: printf %s "$${what}" | ${into} -`,
  )

/** A secret as it is pasted: with blanks around it, or as the value of a request header. Secrets contain no blanks. */
const bareSecret = (text: string): string => text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '')

function oneLine(text: string, source: string, hint: string): string {
  const line = text.replace(/\r?\n$/, '')
  if (line.trim() !== '') return line
  throw new LatchkeyError('usage', `${source} is empty`, hint)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new LatchkeyError(
      'usage',
      `cannot read ${path}: ${whyUnreadable(error)}`,
      'name a readable file, or - for stdin',
    )
  }
}
