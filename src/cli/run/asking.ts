/**
 * The questions that a command may ask. Never waits for an answer that cannot come: off a terminal, under CI or with
 * --no-input it refuses at once.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Environment } from '../../system/home.ts'
import type { Asking } from '../declare/declaration.ts'
import { unconfirmed, withoutAsking } from '../terminal/confirmed.ts'
import { printableLine } from '../terminal/printable.ts'
import type { Prompts } from '../terminal/prompt.ts'
import type { Streams } from '../terminal/streams.ts'

/** Whether somebody can answer. */
export function isInteractive(streams: Streams, env: Environment, input: boolean): boolean {
  const ci = env['CI']
  const automated = ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0'
  return streams.stdin.isTerminal && streams.stderr.isTerminal && input && !automated
}

/** @param load loads the prompts, which most commands do not need; undefined if nobody can answer */
export function asking(load: (() => Promise<Prompts>) | undefined): Asking {
  return {
    interactive: load !== undefined,
    askPassword: async (message, instead) => {
      if (load === undefined) {
        throw new LatchkeyError(
          'usage',
          'cannot ask for a password without a terminal',
          instead === undefined ? 'pipe it to stdin' : `give it with ${instead}; - is stdin`,
        )
      }
      const prompts = await load()
      const password = await prompts.password(message)
      if (password === '')
        throw new LatchkeyError('usage', 'the password is empty', 'run the command again and type one')
      if ((await prompts.password(`${message} (again)`)) !== password) {
        throw new LatchkeyError(
          'usage',
          'the two passwords differ',
          'run the command again and type the same password twice',
        )
      }
      return password
    },
    askSecret: async what => {
      if (load === undefined) throw new Error('a secret is asked for, and nobody is there')
      return (await load()).password(`${what === 'token' ? 'Token' : 'Secret'} (not shown while you type)`)
    },
    confirm: async ({ question, typed }) => {
      if (load === undefined)
        throw unconfirmed('this command needs a confirmation, but cannot ask for one here', withoutAsking)
      const prompts = await load()
      if (typed === undefined) {
        if (await prompts.confirm(question)) return
        throw unconfirmed('not confirmed: nothing was changed', 'run the command again to try once more')
      }
      // Characters that cannot be seen are escaped, and the escaped form is typed.
      const shown = printableLine(typed)
      const answer = await prompts.text(`${question}\nType ${shown} to continue:`)
      if (asTyped(answer) === asTyped(shown)) return
      throw unconfirmed(
        `'${shown}' was not typed: nothing was changed`,
        `run the command again and type ${shown} to confirm`,
      )
    },
  }
}

/** Keyboards compose letters in ways that look the same, and have only one kind of space. */
const asTyped = (text: string): string => text.normalize('NFC').replace(/\s+/g, ' ').trim()
