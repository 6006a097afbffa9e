/**
 * Reads rows out of CSV or NDJSON as they stream by, in constant memory, each with the number of its line. A row that
 * cannot be read is a problem in its place and never stops the rest; what a problem says never quotes the text, which
 * may be a secret.
 */

import { createReadStream } from 'node:fs'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { systemFailure } from '../system/errors.ts'
import { unguarded } from '../text/csv-cell.ts'
import { csvRows } from './csv.ts'
import { ndjsonRows } from './ndjson.ts'
import type { Row } from './row.ts'
import { type TextBlock, textBlocks } from './text-blocks.ts'

export type RowFormat = 'csv' | 'ndjson'

/** Where rows come from. */
export interface RowSource {
  /** Where the file lies; only a name for messages when `chunks` are given. */
  readonly file: string
  /** Its bytes, when they do not come from a file. */
  readonly chunks?: AsyncIterable<Uint8Array> | undefined
  /** Cells of CSV are taken as they are, also those that look as if Latchkey had guarded them; see `csv-cell.ts`. */
  readonly csvVerbatim?: boolean | undefined
  /** Told by the name, or else by the first character, when left out. */
  readonly format?: RowFormat | undefined
}

/** Told how many bytes have been read so far. */
export type ByteCounter = (bytes: number) => void

/**
 * The rows, some hundred at a time, in their order; blank lines are none. Of CSV the first row names the fields; an
 * empty field is null and `""` is empty text, as Latchkey writes them.
 *
 * @throws not_found, permission, invalid for what is no file, or a CSV header that cannot be used
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

/** The bytes of a file. @throws not_found, permission, invalid for a folder */
export async function* fileChunks(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) yield chunk
  } catch (error) {
    throw readFailure(error, file)
  }
}

/** What to throw when a file that somebody named cannot be read. */
export function readFailure(error: unknown, file: string): unknown {
  const code = codeOf(error)
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) {
    const options = { cause: error }
    return new LatchkeyError('not_found', `there is no file ${file}`, 'check the path with: ls -l', options)
  }
  if (code === 'EISDIR') {
    return new LatchkeyError('invalid', `${file} is a folder`, 'name a file in it, or - for stdin')
  }
  return systemFailure(error, file)
}

export function formatOfName(file: string): RowFormat | undefined {
  if (/\.csv$/i.test(file)) return 'csv'
  return /\.(ndjson|jsonl)$/i.test(file) ? 'ndjson' : undefined
}

/** @throws invalid for JSON that is no NDJSON */
function formatOfText(file: string, first: TextBlock): RowFormat {
  const text = first.kind === 'lines' ? first.text.trimStart() : ''
  if (text.startsWith('[')) {
    throw new LatchkeyError(
      'invalid',
      `${file} holds a JSON array, not one object a line`,
      `turn it into lines with: jq -c '.[]' ${file}`,
    )
  }
  return text.startsWith('{') ? 'ndjson' : 'csv'
}

async function* startingWith(first: TextBlock, rest: AsyncIterable<TextBlock>): AsyncGenerator<TextBlock> {
  yield first
  yield* rest
}
