/**
 * Streams rows with line numbers from CSV or NDJSON, in constant memory. An unreadable row is reported in its place and
 * does not stop the rest. Problems never quote the text, which may contain a secret.
 */

import { createReadStream } from 'node:fs'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { systemFailure } from '../system/errors.ts'
import { unguarded } from '../text/csv-cell.ts'
import { shellWord } from '../text/shell-word.ts'
import { csvRows } from './csv.ts'
import { ndjsonRows } from './ndjson.ts'
import type { Row } from './row.ts'
import { type TextBlock, textBlocks } from './text-blocks.ts'

export type RowFormat = 'csv' | 'ndjson'

/** A source of rows. */
export interface RowSource {
  /** The path of the file; only a name for messages if `chunks` are given. */
  readonly file: string
  /** The bytes, if they do not come from a file. */
  readonly chunks?: AsyncIterable<Uint8Array> | undefined
  /** Take CSV cells as they are, even if they look escaped by Latchkey; see `csv-cell.ts`. */
  readonly csvVerbatim?: boolean | undefined
  /** Default: by the file name, or else by the first character. */
  readonly format?: RowFormat | undefined
}

/** Called with the number of bytes read so far. */
export type ByteCounter = (bytes: number) => void

/**
 * Yields the rows in order, some hundred at a time. Blank lines are skipped. In CSV the first row has the field names; an
 * empty field is null and `""` is empty text, as Latchkey writes them.
 *
 * @throws not_found, permission, invalid (not a file, or an unusable CSV header)
 */
export async function* readRows(source: RowSource, count?: ByteCounter): AsyncGenerator<readonly Row[]> {
  const blocks = textBlocks(counted(source.chunks ?? fileChunks(source.file), count))
  const first = await blocks.next()
  if (first.done) return
  const format = source.format ?? formatOfName(source.file) ?? formatOfText(source.file, first.value)
  const all = startingWith(first.value, blocks)
  if (format === 'ndjson') return yield* ndjsonRows(all)
  yield* csvRows(source.file, all, source.csvVerbatim ? cell => cell : unguarded)
}

/** The same bytes, counted as they pass. */
export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  count: ByteCounter = () => {},
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    count(bytes)
    yield chunk
  }
}

/** The bytes of a file. @throws not_found, permission, invalid (a folder) */
export async function* fileChunks(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) yield chunk
  } catch (error) {
    throw readFailure(error, file)
  }
}

/** The error to throw if a named file cannot be read. */
export function readFailure(error: unknown, file: string): unknown {
  const code = codeOf(error)
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) {
    const options = { cause: error }
    return new LatchkeyError('not_found', `there is no file ${file}`, 'check the path with: ls -l', options)
  }
  if (code === 'EISDIR') {
    return new LatchkeyError('invalid', `${file} is a folder`, 'give a file in it, or - for stdin')
  }
  return systemFailure(error, file)
}

export function formatOfName(file: string): RowFormat | undefined {
  if (/\.csv$/i.test(file)) return 'csv'
  return /\.(ndjson|jsonl)$/i.test(file) ? 'ndjson' : undefined
}

/** @throws invalid (JSON, but not NDJSON) */
function formatOfText(file: string, first: TextBlock): RowFormat {
  const text = first.kind === 'lines' ? first.text.trimStart() : ''
  if (text.startsWith('[')) {
    throw new LatchkeyError(
      'invalid',
      `${file} is a JSON array, not one object per line`,
      `convert it with: jq -c '.[]' ${shellWord(file)}`,
    )
  }
  return text.startsWith('{') ? 'ndjson' : 'csv'
}

async function* startingWith(first: TextBlock, rest: AsyncIterable<TextBlock>): AsyncGenerator<TextBlock> {
  yield first
  yield* rest
}
