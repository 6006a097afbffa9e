/** Runs a command line within another, isolated from real data. The tutorial runs its commands with it. */
import { dirname } from 'node:path'
import type { Environment } from '../../system/home.ts'
import type { Invoke } from '../declare/declaration.ts'
import { memoryInput, memoryOutput, type Streams } from '../terminal/streams.ts'

interface Inside {
  readonly env: Environment
  /** Given if the output will be shown on a terminal of this width. */
  readonly columns: number | undefined
  /** Runs words in a folder. Returns the exit code. */
  readonly main: (
    words: readonly string[],
    env: Environment,
    streams: Streams,
    folder: string,
  ) => Promise<number>
}

/** Keeps the variables for the actor and the appearance, and drops those that lead to real data. */
export async function invokeInside(
  { env, columns, main }: Inside,
  ...[words, { db, stdin = '' }]: Parameters<Invoke>
): ReturnType<Invoke> {
  const folder = dirname(db)
  const clean = Object.fromEntries(kept.map(name => [name, env[name]]))
  const stdout = memoryOutput(columns)
  const stderr = memoryOutput()
  const inside = { ...clean, HOME: folder, LATCHKEY_DB: db }
  const code = await main(words, inside, { stdin: memoryInput(stdin), stdout, stderr }, folder)
  return { code, out: stdout.text(), err: stderr.text() }
}

const kept = [
  'LATCHKEY_ACTOR',
  'LATCHKEY_TZ',
  'TERM',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'NO_COLOR',
  'FORCE_COLOR',
  'COLORTERM',
]
