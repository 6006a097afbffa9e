/** One JSON object a line. Never quotes a line, which may contain a secret. */

import { parseJson } from './json-text.ts'
import type { Row } from './row.ts'
import { longestRow, overlong, type TextBlock } from './text-blocks.ts'

const rowsAtOnce = 512

export async function* ndjsonRows(blocks: AsyncIterable<TextBlock>): AsyncGenerator<readonly Row[]> {
  let line = 0
  for await (const block of blocks) {
    if (block.kind === 'overlong') {
      yield [{ line: ++line, row: null, problem: overlong }]
      continue
    }
    const { text, damaged } = block
    let rows: Row[] = []
    for (let from = 0; from < text.length; ) {
      const found = text.indexOf('\n', from)
      const end = found < 0 ? text.length : found
      const row =
        end - from > longestRow
          ? { line: ++line, row: null, problem: overlong }
          : rowOf(text.slice(from, end), ++line, damaged)
      if (row !== undefined) rows.push(row)
      from = end + 1
      if (rows.length < rowsAtOnce) continue
      yield rows
      rows = []
    }
    if (rows.length > 0) yield rows
  }
}

function rowOf(text: string, line: number, damaged: boolean): Row | undefined {
  if (damaged && text.includes('\ufffd')) return { line, row: null, problem: 'is not UTF-8' }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    if (text.trim() === '') return undefined
    const result = parseJson(text)
    const place = result.ok || result.place === null ? '' : ` (column ${result.place.column})`
    return { line, row: null, problem: `is not JSON${place}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, row: null, problem: 'is not a JSON object' }
  }
  return { line, row: value as Readonly<Record<string, unknown>>, problem: null }
}
