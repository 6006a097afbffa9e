/** Tells how far something has come, in the terms of what it does. Must never be what that fails by. */
import { setImmediate } from 'node:timers/promises'
import type { Progress } from '../contract/views.ts'
import type { ByteCounter, RowSource } from '../formats/rows.ts'
import { statOf } from '../system/files.ts'
import type { OperationContext } from './context.ts'

/** Told how many bytes of a source have been read; how many there are is known of a file alone, never of a pipe. */
export function readingProgress(
  { onProgress }: OperationContext,
  { file, chunks }: RowSource,
): ByteCounter | undefined {
  if (onProgress === undefined) return undefined
  const stat = chunks === undefined ? statOf(file) : undefined
  const total = stat?.isFile() ? stat.size : null
  return done => onProgress({ step: 'reading', done, total, unit: 'bytes' })
}

/**
 * Told of rows that were done since it was last told. Resolves when other work of this process has had its turn, if it
 * is due: SQLite gives it none, and what waits for one may be what shows the progress.
 */
export type RowProgress = (rows: number) => Promise<void>

/** For who has nobody to tell. */
export const unheard: RowProgress = async () => {}

/** Longest that other work waits for its turn, in milliseconds. */
const turnMs = 25

/** Begins with none. */
export async function rowProgress(
  { onProgress }: OperationContext,
  step: Progress['step'],
  total: number,
): Promise<RowProgress> {
  let done = 0
  let turn = Number.NEGATIVE_INFINITY
  const tell: RowProgress = async rows => {
    done += rows
    onProgress?.({ step, done, total, unit: 'rows' })
    if (performance.now() - turn < turnMs) return
    await setImmediate()
    turn = performance.now()
  }
  await tell(0)
  return tell
}
