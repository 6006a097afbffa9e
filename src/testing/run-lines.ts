/**
 * Runs many command lines in one process. As a program it reads them from stdin and prints each result, as JSON, so
 * that tests that run as another user need only one process. For tests only.
 */
import type { Environment } from '../system/home.ts'
import { type Finished, program } from './process.ts'
import { run } from './run.ts'

export interface Line {
  readonly words: readonly string[]
  readonly cwd: string
  readonly env: Environment
  readonly stdin: string | null
  readonly fullStdout?: boolean
}

export type Ended = Omit<Finished, 'json'>

const atOnce = 4

export const runLines = (lines: readonly Line[]): Promise<readonly Ended[]> =>
  inParallel(lines, async ({ words, cwd, env, stdin, fullStdout = false }) => {
    const { code, out, err } = await run(words, { cwd, env, stdin: stdin ?? '', fullStdout, program })
    return { code, signal: null, out, err }
  })

/** The same in a separate process; `before`: words in front of its command. */
export async function runElsewhere(
  lines: readonly Line[],
  before: readonly string[],
): Promise<readonly Ended[]> {
  const child = Bun.spawn([...before, process.execPath, import.meta.path], {
    // Another folder, because that of the tests may be hidden from another user.
    cwd: '/',
    stdin: new Blob([JSON.stringify(lines)]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
  if ((await child.exited) !== 0) throw new Error(err)
  return JSON.parse(out)
}

export async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

if (import.meta.main) console.log(JSON.stringify(await runLines(await Bun.stdin.json())))
