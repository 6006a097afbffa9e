/** Tells how far something has come, in the terms of what it does. Must never be what that fails by. */
import { statSync } from 'node:fs'
import type { Progress } from '../contract/views.ts'
import type { ByteCounter, RowSource } from '../formats/rows.ts'
import type { OperationContext } from './context.ts'

/** Told how many bytes of a source have been read; how many there are is known of a file alone, never of a pipe. */
export function readingProgress(
  { onProgress }: OperationContext,
  { file, chunks }: RowSource,
): ByteCounter | undefined {
  if (onProgress === undefined) return undefined
  const stat = chunks === undefined ? statSync(file, { throwIfNoEntry: false }) : undefined
  const total = stat?.isFile() ? stat.size : null
  return done => onProgress({ step: 'reading', done, total, unit: 'bytes' })
}

/** Told of rows that were done since it was last told; begins with none. */
export function rowProgress(
  { onProgress }: OperationContext,
  step: Progress['step'],
  total: number,
): (rows: number) => void {
  let done = 0
  const tell = (rows: number): void => {
    done += rows
    onProgress?.({ step, done, total, unit: 'rows' })
  }
  tell(0)
  return tell
}
