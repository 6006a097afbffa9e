/** Reports progress. Never makes the work fail. */
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
 * Call with the number of rows done since the last call. It lets other work of this process run when due, such as the
 * display of progress, because SQLite blocks it otherwise.
 */
export type RowProgress = (rows: number) => Promise<void>

/** Reports nothing. */
export const unheard: RowProgress = async () => {}

/** The longest that other work waits, in milliseconds. */
const turnMs = 25

/** Starts a progress report at zero rows. */
export async function rowProgress(
  { onProgress }: Pick<OperationContext, 'onProgress'>,
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
