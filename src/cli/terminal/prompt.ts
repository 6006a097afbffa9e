/** Asks questions with inquirer. The only importer of it, loaded when a question is asked. */
import { Writable } from 'node:stream'
import { LatchkeyError } from '../../contract/errors.ts'
import { unconfirmed, withoutAsking } from './confirmed.ts'
import { printable } from './printable.ts'
import type { Terminal } from './streams.ts'
import { cut, fold, widthOf } from './width.ts'

/** How questions are asked. Tests answer them. */
export interface Prompts {
  /** Does not show the answer while it is typed. */
  readonly password: (message: string) => Promise<string>
  /** y or n; Enter is no. */
  readonly confirm: (message: string) => Promise<boolean>
  readonly text: (message: string, options?: TextOptions) => Promise<string>
  /** One of a few choices. */
  readonly select: (message: string, choices: readonly Choice[], initial?: string) => Promise<string>
  /** One of many choices: `find` returns those that match the typed text. */
  readonly search: (message: string, find: (typed: string) => Promise<readonly Choice[]>) => Promise<string>
}

/** The problem of an answer; undefined if there is none. */
type Validate = (answer: string) => Promise<string | undefined>

interface TextOptions {
  readonly validate?: Validate
  /** The answer if Enter is pressed. */
  readonly initial?: string
}

export interface Choice {
  readonly value: string
  /** The text to show. Default: the value. */
  readonly name?: string
  /** Shown after the name. */
  readonly about?: readonly (string | null | undefined | false)[]
}

/** Draws prompts with inquirer on stderr. Ctrl-C is `interrupted`; Ctrl-D and the end of stdin are `not_confirmed`. */
export function terminalPrompts(terminal: Terminal | undefined): Prompts {
  const columns = (): number => Math.max(narrowest, terminal?.output.columns || 80)
  const ask = async ({ message, ...question }: Question): Promise<unknown> => {
    if (terminal === undefined) throw unconfirmed('there is no terminal to ask on', withoutAsking)
    const { default: inquirer } = await import('inquirer')
    const { input, suspend } = terminal
    const { output, drawn } = remembering(terminal.output)
    const left = new AbortController()
    const leave = () => left.abort()
    const onKey = (_: unknown, key: { ctrl?: boolean; name?: string } | undefined) => {
      if (key?.ctrl && key.name === 'd') leave()
      if (key?.ctrl && key.name === 'z') {
        // Bun's readline gets the key next, and would loop forever if it continued.
        key.name = ''
        // Draw again where the shell left the cursor. The old drawing has scrolled away or is above.
        suspend(() => terminal.output.write(drawn()))
      }
    }
    input.on('end', leave)
    input.on('close', leave)
    input.on('keypress', onKey)
    try {
      const prompt = inquirer.createPromptModule({ input, output, signal: left.signal })
      const answers: Record<string, unknown> = await prompt([
        { name: 'answer', message: folded(message, columns()), ...question } as never,
      ])
      return answers['answer']
    } catch (error) {
      if (left.signal.aborted) throw cancelled()
      if (error instanceof Error && error.name === 'ExitPromptError') throw interrupted()
      throw error
    } finally {
      input.off('end', leave)
      input.off('close', leave)
      input.off('keypress', onKey)
      input.pause()
    }
  }
  return {
    password: async message => String(await ask({ type: 'password', message, mask: '*', toggleMask: false })),
    confirm: async message => (await ask({ type: 'confirm', message, default: false })) === true,
    text: async (message, { validate, initial } = {}) => {
      const accept =
        validate &&
        (async (answer: string) => {
          const problem = await validate(answer)
          return problem === undefined || folded(problem, columns())
        })
      return String(await ask({ type: 'input', message, default: initial, validate: accept }))
    },
    select: async (message, choices, initial) =>
      String(
        await ask({
          type: 'select',
          message,
          choices: shown(choices, columns()),
          default: initial,
        }),
      ),
    search: async (message, find) => {
      const source = async (typed = '') => shown(await find(typed), columns())
      return String(await ask({ type: 'search', message, source }))
    },
  }
}

/** An output that remembers what is on the screen. */
function remembering(output: Terminal['output']) {
  let last = ''
  const screen = new Writable({
    write: (chunk, _, done) => {
      const text = String(chunk)
      // Output without text moves the cursor to redraw.
      last = widthOf(text) === 0 ? last + text : text
      output.write(chunk, done)
    },
  })
  Object.defineProperties(screen, {
    isTTY: { value: true },
    columns: { get: () => output.columns },
    rows: { get: () => output.rows },
  })
  return { output: screen, drawn: () => last.replace(erasing, '') }
}

/** How inquirer begins to redraw: it moves to the end of the previous drawing, then erases line by line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences begin with an escape
const erasing = /^(?:\x1b\[\d*B)?(?:\x1b\[2K(?:\x1b\[\d*A)?)*(?:\x1b\[G)?/

interface Question {
  readonly type: string
  readonly message: string
  readonly [setting: string]: unknown
}

/** Folded between words, after the mark of the question. inquirer folds anywhere. */
const folded = (text: string, columns: number): string =>
  text
    .split('\n')
    .flatMap(line => fold(line, columns - 3))
    .join('\n')

/**
 * One line for each choice, after the mark of the selected one. Names come from the database and may contain control
 * characters.
 */
function shown(choices: readonly Choice[], columns: number): readonly object[] {
  const widest = Math.max(0, ...choices.map(({ value, name = value }) => widthOf(printable(name))))
  return choices.map(({ value, name = value, about = [] }) => {
    const short = printable(name)
    const facts = printable(about.filter(Boolean).join(', '))
    const line = `${short}${' '.repeat(widest - widthOf(short))}  ${facts}`.trimEnd()
    return { value, short, name: cut(line, columns - 3, '…') }
  })
}

/** A narrower terminal folds lines itself. */
const narrowest = 13

const cancelled = (): LatchkeyError =>
  new LatchkeyError(
    'not_confirmed',
    'cancelled: nothing was changed',
    'run the command again, or give everything on the command line; see --help',
  )

const interrupted = (): LatchkeyError =>
  new LatchkeyError('interrupted', 'interrupted: nothing was changed', 'run it again when you are ready')
