/**
 * Asks a person, through inquirer: its only importer, and only once a question is really asked. Must never
 * wait for an answer that cannot come: off a terminal, under CI or --no-input it refuses at once.
 */
import { LatchkeyError } from '../contract/errors.ts'
import type { Environment } from './config.ts'
import type { Confirmation } from './define.ts'
import { printable } from './printable.ts'
import type { Streams, Terminal } from './streams.ts'
import { widthOf } from './width.ts'

/** How a question reaches a person; tests answer in their place. */
export interface Prompts {
  /** The answer, unseen while it is typed. */
  readonly password: (message: string) => Promise<string>
  /** y or n; plain Enter is no. */
  readonly confirm: (message: string) => Promise<boolean>
  readonly text: (message: string, options?: TextOptions) => Promise<string>
  /** One of a few. */
  readonly select: (message: string, choices: readonly Choice[], initial?: string) => Promise<string>
  /** One of many: `find` has those that fit what was typed. */
  readonly search: (message: string, find: (typed: string) => Promise<readonly Choice[]>) => Promise<string>
}

/** What is wrong with an answer; undefined when nothing is. */
type Validate = (answer: string) => Promise<string | undefined>

interface TextOptions {
  readonly validate?: Validate
  /** What plain Enter stands for. */
  readonly initial?: string
}

export interface Choice {
  readonly value: string
  /** What is shown; the value itself when not given. */
  readonly name?: string
  /** Shown behind the name, as far as there is any. */
  readonly about?: readonly (string | null | undefined | false)[]
}

export interface Asking {
  readonly interactive: boolean
  /** A password typed twice; `instead` is the option that a script gives it by. */
  readonly askPassword: (message: string, instead?: string) => Promise<string>
  /** Returns when it was confirmed; throws `not_confirmed` otherwise. */
  readonly confirm: (confirmation: Confirmation) => Promise<void>
}

/** Whether somebody is there to answer. */
export function isInteractive(streams: Streams, env: Environment, noInput: boolean): boolean {
  const ci = env['CI']
  const automated = ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0'
  return streams.stdin.isTerminal && streams.stderr.isTerminal && !noInput && !automated
}

export function asking(interactive: boolean, prompts: Prompts): Asking {
  return {
    interactive,
    askPassword: async (message, instead) => {
      if (!interactive) {
        throw new LatchkeyError(
          'usage',
          'a password can only be asked for at a terminal',
          instead === undefined ? 'pipe it in on stdin' : `give it with ${instead}, where - is stdin`,
        )
      }
      const password = await prompts.password(message)
      if (password === '')
        throw new LatchkeyError('usage', 'the password is empty', 'run it again and type one')
      if ((await prompts.password(`${message} (again)`)) !== password) {
        throw new LatchkeyError(
          'usage',
          'the two passwords differ',
          'run it again and type the same one twice',
        )
      }
      return password
    },
    confirm: async ({ question, typed }) => {
      if (!interactive)
        throw unconfirmed('this needs a confirmation, and nobody is there to give it', withoutAsking)
      if (typed === undefined) {
        if (await prompts.confirm(question)) return
        throw unconfirmed('not confirmed: nothing was changed', 'run it again if it was meant after all')
      }
      const answer = await prompts.text(`${question}\nType ${typed} to go on:`)
      if (answer.trim() === typed) return
      throw unconfirmed(
        `'${typed}' was not typed: nothing was changed`,
        `run it again and type ${typed}, if it was meant`,
      )
    },
  }
}

/** For who was not asked. To who has said no it would be no advice. */
const withoutAsking = 'add --yes to go on without being asked'

const unconfirmed = (message: string, hint: string): LatchkeyError =>
  new LatchkeyError('not_confirmed', message, hint)

/** Prompts drawn by inquirer on stderr. Ctrl-C is `interrupted`; Ctrl-D and the end of stdin are `not_confirmed`. */
export function terminalPrompts(terminal: Terminal | undefined): Prompts {
  const ask = async (question: object): Promise<unknown> => {
    if (terminal === undefined) throw unconfirmed('there is no terminal to ask at', withoutAsking)
    const { default: inquirer } = await import('inquirer')
    const { input, output, suspend } = terminal
    const left = new AbortController()
    const leave = () => left.abort()
    const onKey = (_: unknown, key: { ctrl?: boolean; name?: string } | undefined) => {
      if (key?.ctrl && key.name === 'd') leave()
      if (key?.ctrl && key.name === 'z') {
        // Bun's readline, which gets the key next, would spin for ever once it is continued.
        key.name = ''
        suspend()
      }
    }
    input.on('end', leave)
    input.on('close', leave)
    input.on('keypress', onKey)
    try {
      const prompt = inquirer.createPromptModule({ input, output, signal: left.signal })
      const answers: Record<string, unknown> = await prompt([{ name: 'answer', ...question } as never])
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
      const accept = validate && (async (answer: string) => (await validate(answer)) ?? true)
      return String(await ask({ type: 'input', message, default: initial, validate: accept }))
    },
    select: async (message, choices, initial) =>
      String(await ask({ type: 'select', message, choices: shown(choices), default: initial })),
    search: async (message, find) => {
      const source = async (typed = '') => shown(await find(typed))
      return String(await ask({ type: 'search', message, source }))
    },
  }
}

/** Names come from the database, and may hold what a terminal would act on. */
function shown(choices: readonly Choice[]): readonly object[] {
  const widest = Math.max(0, ...choices.map(({ value, name = value }) => widthOf(printable(name))))
  return choices.map(({ value, name = value, about = [] }) => {
    const short = printable(name)
    const facts = printable(about.filter(Boolean).join(', '))
    return { value, short, name: `${short}${' '.repeat(widest - widthOf(short))}  ${facts}`.trimEnd() }
  })
}

const cancelled = (): LatchkeyError =>
  new LatchkeyError(
    'not_confirmed',
    'cancelled: nothing was changed',
    'run it again, or give everything on the command line: --help',
  )

const interrupted = (): LatchkeyError =>
  new LatchkeyError('interrupted', 'interrupted: nothing was changed', 'run it again when you are ready')
