/** A real, empty Latchkey in a temporary folder, with a clock that tests set. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../index.ts'
import { temporaryFolder } from './folder.ts'
import { fromTemplate } from './template.ts'

export interface TestLatchkey extends AsyncDisposable {
  readonly latchkey: Latchkey
  readonly path: string
  readonly folder: string
  /** The current time for operations. */
  readonly clock: { now: Date }
  /** A second Latchkey on the same file, for dry runs. */
  readonly dry: Latchkey
}

/** @param from a folder to copy instead of creating a new database */
export async function temporaryLatchkey(
  start = '2026-11-20T12:00:00Z',
  from?: string,
): Promise<TestLatchkey> {
  const folder = temporaryFolder()
  const path = join(folder.path, 'latchkey.db')
  const clock = { now: new Date(start) }
  const options = { path, now: () => clock.now, actor: { name: 'tester', origin: 'script' } } as const
  const latchkey = connectLatchkey(options)
  if (from === undefined) {
    await fromTemplate(start, path, async () => {
      await latchkey.initialize()
    })
  } else cpSync(from, folder.path, { recursive: true })
  const dry = connectLatchkey({ ...options, dryRun: true })
  return {
    latchkey,
    dry,
    path,
    folder: folder.path,
    clock,
    [Symbol.asyncDispose]: async () => {
      await latchkey.close()
      await dry.close()
      folder[Symbol.dispose]()
    },
  }
}
