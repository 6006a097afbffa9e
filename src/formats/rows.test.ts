import { expect, test } from 'bun:test'
import { temporaryFolder } from '../testing/folder.ts'
import type { Row } from './row.ts'
import { type RowFormat, readRows } from './rows.ts'
import { longestRow } from './text-blocks.ts'

const encoder = new TextEncoder()

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  // One buffer filled again and again, as a careless source would.
  const buffer = new Uint8Array(size)
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    buffer.set(piece)
    yield buffer.subarray(0, piece.length)
  }
}

async function read(
  text: string | Uint8Array,
  { format, size = 1_000_000, file = 'stdin' }: { format?: RowFormat; size?: number; file?: string } = {},
): Promise<readonly Row[]> {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text
  const rows: Row[] = []
  for await (const batch of readRows({ file, chunks: inPieces(bytes, size), format })) rows.push(...batch)
  return rows
}

/** `2 {"a":"1"}` or `2 is not JSON`. */
const shown = (rows: readonly Row[]) =>
  rows.map(({ line, row, problem }) => `${line} ${problem ?? JSON.stringify(row)}`)

const csv: readonly (readonly [string, readonly string[]])[] = [
  ['a,b\n1,2\n', ['2 {"a":"1","b":"2"}']],
  ['a,b\r\n1,2\r\n', ['2 {"a":"1","b":"2"}']],
  ['\ufeffa,b\n1,2', ['2 {"a":"1","b":"2"}']],
  ['a,b\n,""\n', ['2 {"a":null,"b":""}']],
  ['a,b\n"x,y","say ""hi"""\n', ['2 {"a":"x,y","b":"say \\"hi\\""}']],
  ['a,b\n"one\ntwo\r\nthree",2\n3,4\n', ['2 {"a":"one\\ntwo\\r\\nthree","b":"2"}', '5 {"a":"3","b":"4"}']],
  ['"a","b"\n"1","2"', ['2 {"a":"1","b":"2"}']],
  ['a,b\n"1",2\r\n3,"4"\r\n', ['2 {"a":"1","b":"2"}', '3 {"a":"3","b":"4"}']],
  ['a,b\n\n1,2\n\r\n3,4\n', ['3 {"a":"1","b":"2"}', '5 {"a":"3","b":"4"}']],
  [
    'a,b\n1\n1,2,3\n5,6\n',
    ['2 has 1 field where the header has 2', '3 has 3 fields where the header has 2', '4 {"a":"5","b":"6"}'],
  ],
  ['a,b\n5" disk,1\n2,3\n', ['2 has a quote inside an unquoted field', '3 {"a":"2","b":"3"}']],
  ['a,b\n"x"y,1\n2,3\n', ['2 has text after a closing quote', '3 {"a":"2","b":"3"}']],
  ['a,b\n1,2\n"open,3\n4,5\n', ['2 {"a":"1","b":"2"}', '3 has an unclosed quote']],
  ['a,b\n1,é😀\n', ['2 {"a":"1","b":"é😀"}']],
  ['a,b\n', []],
]

test.each(csv)('the CSV %p', async (text, expected) => {
  // However the bytes arrive: also in the middle of a character, of a line break, of a pair of quotes.
  for (const size of [1, 2, 3, 5, 1_000])
    expect(shown(await read(text, { format: 'csv', size }))).toEqual([...expected])
})

const ndjson: readonly (readonly [string, readonly string[]])[] = [
  ['{"a":1}\n{"a":null}\n', ['1 {"a":1}', '2 {"a":null}']],
  ['\ufeff{"a":1}\r\n\r\n  \n{"a":2}', ['1 {"a":1}', '4 {"a":2}']],
  [
    '{"a":1}\n{"a":\n[1]\n7\n{"a":2}',
    [
      '1 {"a":1}',
      '2 is not JSON (column 6)',
      '3 is not a JSON object',
      '4 is not a JSON object',
      '5 {"a":2}',
    ],
  ],
  ['{"a":"é😀"}\n', ['1 {"a":"é😀"}']],
  ['{"a":1}{"a":2}\n', ['1 is not JSON (column 8)']],
]

test.each(ndjson)('the NDJSON %p', async (text, expected) => {
  for (const size of [1, 2, 3, 5, 1_000])
    expect(shown(await read(text, { format: 'ndjson', size }))).toEqual([...expected])
})

test.each(['csv', 'ndjson'] as const)(
  'bytes that are not UTF-8 are a problem of their line alone (%s)',
  async format => {
    const good = format === 'csv' ? 'a\nx\n' : '{"a":"x"}\n{"a":"x"}\n'
    const bad = format === 'csv' ? 'y\xff\n' : '{"a":"\xff"}\n'
    const after = format === 'csv' ? 'z\n' : '{"a":"z"}\n'
    const rows = await read(Buffer.from(good + bad + after, 'latin1'), { format })
    expect(shown(rows).slice(-3)).toEqual(['2 {"a":"x"}', '3 is not UTF-8', '4 {"a":"z"}'])
  },
)

test.each([
  ['csv', `a\nx\n${'y'.repeat(longestRow + 10)}\nz\n`],
  ['csv', `a\nx\n"${'y\n'.repeat(longestRow)}`],
  ['ndjson', `{"a":"0"}\n{"a":"x"}\n{"a":"${'y'.repeat(longestRow)}"}\n{"a":"z"}\n`],
] as const)('a row longer than a megabyte is a problem, and is not kept (%s)', async (format, text) => {
  const rows = await read(text, { format, size: 65_536 })
  const found = shown(rows).map(row => row.slice(0, 60))
  expect(found).toContain('2 {"a":"x"}')
  expect(found).toContain('3 is longer than 1 MiB')
  if (text.endsWith('z\n') || text.endsWith('"z"}\n')) expect(found).toContain('4 {"a":"z"}')
})

test.each([
  ['x.csv', 'a\n{1\n', ['2 {"a":"{1"}']],
  ['x.NDJSON', '{"a":1}', ['1 {"a":1}']],
  ['x.jsonl', 'a', ['1 is not JSON (column 1)']],
  ['stdin', '\n {"a":1}\n', ['2 {"a":1}']],
  ['stdin', 'a\n1\n', ['2 {"a":"1"}']],
  ['stdin', '', []],
])('%s is told by its name, or else by how it begins: %p', async (file, text, expected) => {
  expect(shown(await read(text, { file }))).toEqual(expected)
})

test.each([
  ['a,a\n', 'twice'],
  ['a,\n', 'name the fields'],
  ['lk_secret-1,b\n', 'name the fields'],
  ['"a\n', 'unclosed'],
  ['[{"a":1}]', 'array'],
])('%p is refused as a whole', async (text, word) => {
  const error = await read(text).then(
    () => undefined,
    error => error,
  )
  expect(error).toMatchObject({ code: 'invalid' })
  expect(error.message).toContain(word)
  expect(error.message).not.toContain('secret')
})

test('a file that is not there, or is a folder, is said so', async () => {
  using folder = temporaryFolder()
  const failure = async (file: string) => {
    try {
      for await (const _ of readRows({ file })) throw new Error('a row')
    } catch (error) {
      return error
    }
    return undefined
  }
  expect(await failure(folder.file('none.csv'))).toMatchObject({ code: 'not_found' })
  expect(await failure(folder.path)).toMatchObject({ code: 'invalid' })
  const rows: Row[] = []
  for await (const batch of readRows({ file: folder.write('x.csv', 'a\n1\n') })) rows.push(...batch)
  expect(shown(rows)).toEqual(['2 {"a":"1"}'])
})
