/**
 * CSV as in RFC 4180, with a header; line breaks may be LF. A misplaced quote is a problem of its row; nothing is guessed.
 * Never quotes a row, which may contain a secret.
 */

import { LatchkeyError } from '../contract/errors.ts'
import { many } from '../text/quantity.ts'
import type { Row } from './row.ts'
import { longestRow, overlong, type TextBlock } from './text-blocks.ts'

const rowsAtOnce = 512

/**
 * @param read decodes the text of a cell
 * @throws invalid (an unusable header)
 */
export async function* csvRows(
  file: string,
  blocks: AsyncIterable<TextBlock>,
  read: (cell: string) => string,
): AsyncGenerator<readonly Row[]> {
  let header: readonly string[] | undefined
  let rows: Row[] = []
  for await (const record of csvRecords(blocks)) {
    if (header === undefined) {
      header = headerOf(file, record)
      continue
    }
    rows.push(rowOf(header, record, read))
    if (rows.length < rowsAtOnce) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

type Field = string | null

interface CsvRecord {
  /** The line on which it begins. */
  readonly line: number
  readonly fields: readonly Field[]
  readonly problem: string | null
}

function rowOf(
  header: readonly string[],
  { line, fields, problem }: CsvRecord,
  read: (cell: string) => string,
): Row {
  if (problem !== null) return { line, row: null, problem }
  if (fields.length !== header.length) {
    const has = many(fields.length, 'field')
    return { line, row: null, problem: `has ${has} where the header has ${header.length}` }
  }
  const row: Record<string, Field> = {}
  for (let index = 0; index < header.length; index++) {
    const field = fields[index] ?? null
    row[header[index] ?? ''] = field === null ? null : read(field)
  }
  return { line, row, problem: null }
}

/** @throws invalid */
function headerOf(file: string, { fields, problem }: CsvRecord): readonly string[] {
  const names = fields.map(field => (field ?? '').trim())
  const wrong =
    problem ??
    (names.some(name => !/^[A-Za-z][\w.]*$/.test(name)) || names.includes('__proto__')
      ? 'does not name the fields'
      : new Set(names).size < names.length
        ? 'names a field twice'
        : null)
  if (wrong === null) return names
  throw new LatchkeyError(
    'invalid',
    `the first line of ${file} ${wrong}`,
    'a CSV file begins with a line of field names separated by commas; --help lists them',
  )
}

async function* csvRecords(blocks: AsyncIterable<TextBlock>): AsyncGenerator<CsvRecord> {
  let line = 1
  // A record that continues in the next block.
  let rest = ''
  let restDamaged = false
  for await (const block of blocks) {
    if (block.kind === 'overlong') {
      yield { line, fields: [], problem: overlong }
      line += countBreaks(rest) + 1
      rest = ''
      continue
    }
    const text = rest + block.text
    const damaged: boolean = block.damaged || restDamaged
    let from = 0
    while (from < text.length) {
      const scanned = scan(text, from)
      if (scanned === undefined) break
      const record = text.slice(from, scanned.end)
      from = scanned.end
      if (record.length > longestRow) yield { line, fields: [], problem: overlong }
      else if (!isBlank(record)) {
        const problem = damaged && record.includes('\ufffd') ? 'is not UTF-8' : scanned.problem
        yield { line, fields: scanned.fields, problem }
      }
      line += countBreaks(record)
    }
    rest = text.slice(from)
    restDamaged = damaged && rest !== ''
    if (rest.length <= longestRow) continue
    yield { line, fields: [], problem: overlong }
    line += countBreaks(rest)
    rest = ''
  }
  if (isBlank(rest)) return
  const scanned = scan(`${rest}\n`, 0)
  if (scanned === undefined) yield { line, fields: [], problem: 'has an unclosed quote' }
  else yield { line, fields: scanned.fields, problem: scanned.problem }
}

interface Scanned {
  readonly fields: readonly Field[]
  readonly problem: string | null
  /** Where the next record begins. */
  readonly end: number
}

/** One record from `start`; undefined if its end has not been read yet. */
function scan(text: string, start: number): Scanned | undefined {
  const lineEnd = text.indexOf('\n', start)
  const firstQuote = text.indexOf('"', start)
  if (lineEnd >= 0 && (firstQuote < 0 || firstQuote > lineEnd)) {
    const plain = text.slice(start, withoutReturn(text, start, lineEnd))
    const fields = plain.split(',').map(field => (field === '' ? null : field))
    return { fields, problem: null, end: lineEnd + 1 }
  }
  const fields: Field[] = []
  let at = start
  for (;;) {
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1)
      if (close === undefined) return undefined
      fields.push(text.slice(at + 1, close).replaceAll('""', '"'))
      at = close + 1
      if (text[at] === '\r' && text[at + 1] === '\n') at++
      if (at >= text.length) return undefined
      if (text[at] === ',') at++
      else if (text[at] === '\n') return { fields, problem: null, end: at + 1 }
      else return broken(text, at, 'has text after a closing quote')
    } else {
      const end = fieldEnd(text, at)
      if (end === undefined) return undefined
      if (text[end] === '"') return broken(text, end, 'has a quote inside an unquoted field')
      const isLast = text[end] === '\n'
      const field = text.slice(at, isLast ? withoutReturn(text, at, end) : end)
      fields.push(field === '' ? null : field)
      at = end + 1
      if (isLast) return { fields, problem: null, end: at }
    }
  }
}

/** A bad record ends with its line, so that the next one can be read. */
function broken(text: string, at: number, problem: string): Scanned | undefined {
  const lineEnd = text.indexOf('\n', at)
  return lineEnd < 0 ? undefined : { fields: [], problem, end: lineEnd + 1 }
}

function closingQuote(text: string, from: number): number | undefined {
  for (let at = from; ; at += 2) {
    at = text.indexOf('"', at)
    if (at < 0) return undefined
    if (text[at + 1] !== '"') return at
  }
}

const fieldEnder = /[,"\n]/g

function fieldEnd(text: string, from: number): number | undefined {
  fieldEnder.lastIndex = from
  return fieldEnder.exec(text)?.index
}

const withoutReturn = (text: string, start: number, lineEnd: number): number =>
  lineEnd > start && text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd

const isBlank = (record: string): boolean => record === '' || record === '\n' || record === '\r\n'

function countBreaks(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
