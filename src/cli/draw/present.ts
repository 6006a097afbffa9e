/**
 * Writes a result in the requested format. `checkPresentation` refuses formats that do not fit before anything happens,
 * because a secret is only shown once.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import { bare, isReference, type Json, jsonWriter, toJson } from '../../contract/json.ts'
import { anything, type JsonSchema, type ObjectShape, object } from '../../contract/shape.ts'
import { guarded } from '../../text/csv-cell.ts'
import { didYouMean, nearest } from '../../text/nearest.ts'
import { isText } from '../../text/plain.ts'
import type { Brush } from '../declare/brush.ts'
import type { Declaration } from '../declare/declaration.ts'
import { dryRunField } from '../declare/define.ts'
import type { Format } from '../settings/config.ts'
import type { Output } from '../terminal/streams.ts'
import type { Presentation } from './presentation.ts'

type AnyShape = ObjectShape<Record<string, unknown>>

/** Whether only people read this format. */
export const isForPeople = (format: Format): boolean => format === 'table' || format === 'wide'

/** `a,b` as a list without repetitions. */
export function parseFields(raw: string): readonly string[] {
  const fields = new Set(raw.split(',').map(field => field.trim()))
  fields.delete('')
  if (fields.size > 0) return [...fields]
  throw misuse('--fields is empty', 'write fields with commas between: --fields id,name')
}

/** Throws `usage` if the command has no such format, or if the format would lose a secret. */
export function checkPresentation(
  declaration: Declaration,
  { format, fields }: Presentation,
  input: Record<string, unknown>,
): void {
  const { shape } = declaration.prints
  if (shape === undefined) {
    if (isForPeople(format) && fields === undefined) return
    throw misuse('this command prints plain text only', 'leave out -o, --json, -q and --fields')
  }
  if (isOpen(shape)) return
  const known = shape.fields
  for (const field of fields ?? []) {
    if (known.includes(field) || (field === 'dryRun' && declaration.effect !== 'read')) continue
    const choices = known.length === 0 ? 'leave out --fields' : `choose from ${known.join(', ')}`
    throw misuse(`there is no field '${field}'${didYouMean(nearest(field, known))}`, choices)
  }
  const secret = declaration.revealsSecret?.(input)?.field
  if (secret !== undefined && (format === 'name' || fields?.includes(secret) === false)) {
    throw misuse(
      `the ${secret} is shown only once, but this output would leave it out`,
      format === 'name' ? 'use -o json instead' : `use -o json, or add ${secret} to --fields`,
    )
  }
  if (format === 'csv' && known.length === 0) {
    throw misuse('this command has no columns to print', 'use -o json or -o yaml instead')
  }
  if (format !== 'name') return
  if (fields !== undefined) {
    throw misuse('-q prints only ids and does not go with --fields', 'use -o csv --fields … instead')
  }
  if (idField(known) === undefined) {
    throw misuse('this command has no ids to print', 'use -o json, or -o csv --fields … instead')
  }
}

const misuse = (message: string, hint: string): LatchkeyError => new LatchkeyError('usage', message, hint)

export const isStream = (result: unknown): result is AsyncIterable<unknown> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result

/** Whether the result is drawn for people, which needs all of it at once. */
export const isDrawn = ({ prints: { form, columns } }: Declaration, format: Format): boolean =>
  form === 'text' || (isForPeople(format) && !(Array.isArray(columns) && columns.length === 0))

/**
 * Writes the result, rows as they come. Resolves when the reader has taken all of it. For a drawing, streams must be
 * collected first.
 */
export async function present(
  declared: Declaration,
  input: Record<string, unknown>,
  result: unknown,
  presentation: Presentation,
  stdout: Output,
  brush: () => Promise<Brush>,
): Promise<void> {
  const declaration = withFieldsOf(declared, result)
  const { format, fields } = presentation
  const isTold = isForPeople(format) && fields === undefined && !presentation.dryRun
  const bytes = isTold ? declaration.bytes?.(result) : undefined
  if (bytes !== undefined) return stdout.write(forReader(bytes, stdout))
  const lines = isTold ? declaration.lines?.(result, input) : undefined
  let output = lines ?? documentLines(declaration, result, presentation)
  if (lines === undefined && isDrawn(declaration, format)) {
    const { draw, isPaged } = await import('./draw.ts')
    const drawn = await draw(declaration, input, result, presentation, brush)
    if (await isPaged(drawn, declaration, presentation, stdout)) return
    output = drawn
  }
  let chunk = ''
  for await (const line of output) {
    chunk += `${line}\n`
    if (chunk.length < chunkSize) continue
    await stdout.write(chunk)
    chunk = ''
  }
  if (chunk !== '') await stdout.write(chunk)
}

/** @throws usage (a terminal would take them for commands) */
function forReader(bytes: Uint8Array, { isTerminal }: Output): Uint8Array {
  if (!isTerminal || isText(bytes)) return bytes
  throw misuse(
    'this is no text, and could change how your terminal works',
    'write it to a file with --out FILE',
  )
}

/** Rows without a declared shape are described by the first row. */
function withFieldsOf(declaration: Declaration, result: unknown): Declaration {
  const { prints } = declaration
  if (prints.shape === undefined || !isOpen(prints.shape) || !Array.isArray(result)) return declaration
  const names = Object.keys(Object(result[0]))
  const shape = object(prints.shape.name, Object.fromEntries(names.map(name => [name, anything('')])))
  return { ...declaration, prints: { ...prints, shape } }
}

const isOpen = ({ schema }: AnyShape): boolean =>
  schema.additionalProperties === true && schema.properties === undefined

const chunkSize = 64 * 1024

type Rows = Iterable<unknown> | AsyncIterable<unknown>

/** The lines of a format for programs. */
async function* documentLines(
  declaration: Declaration,
  result: unknown,
  presentation: Presentation,
): AsyncIterable<string> {
  const { shape } = declaration.prints
  if (shape === undefined) return
  const { dryRun } = presentation
  const shapes: AnyShape['shapes'] = { ...shape.shapes, ...dryRunField }
  const fields = presentation.fields ?? [...shape.fields, ...(dryRun ? Object.keys(dryRunField) : [])]
  const properties = Object.fromEntries(fields.map(field => [field, shapes[field]?.schema ?? {}]))
  const schema: JsonSchema = shape.schema.properties ? { properties } : shape.schema
  const isList = Array.isArray(result) || isStream(result)
  const given: Rows = isList ? result : [result]
  const rows = fields.includes('dryRun') ? marked(given, dryRun) : given
  const write = presentation.csvVerbatim ? (cell: string) => cell : guarded
  const csv = (all: Rows, schema: JsonSchema) => csvLines(all, schema, write)
  const rendered = { json, ndjson, csv, yaml, name, table: ndjson, wide: ndjson }[presentation.format]
  yield* rendered(rows, schema, isList)
}

async function* marked(rows: Rows, dryRun: boolean): AsyncIterable<unknown> {
  for await (const row of rows) yield { ...Object(row), dryRun }
}

/** The same text as `JSON.stringify(…, null, 2)`, one row at a time. */
async function* json(rows: Rows, schema: JsonSchema, isList: boolean): AsyncIterable<string> {
  const text = (value: unknown): string => JSON.stringify(toJson(schema, value), null, 2)
  // A row is written when it is known whether another follows.
  let last: string | undefined
  for await (const row of rows) {
    if (!isList) return yield text(row)
    yield last === undefined ? '[' : `${last},`
    last = `  ${text(row).replaceAll('\n', '\n  ')}`
  }
  if (last === undefined) return yield '[]'
  yield last
  yield ']'
}

async function* ndjson(rows: Rows, schema: JsonSchema): AsyncIterable<string> {
  const text = jsonWriter(schema)
  for await (const row of rows) yield text(row)
}

/** RFC 4180, except that lines end in LF. Null is empty, empty text is `""`. */
async function* csvLines(
  rows: Rows,
  schema: JsonSchema,
  write: (text: string) => string,
): AsyncIterable<string> {
  const columns = csvColumns(schema, '', value => value)
  yield columns.map(column => quoted(write(column.title))).join(',')
  for await (const value of rows) {
    const row = toJson(schema, value)
    yield columns.map(column => csvCell(column.read(row), write)).join(',')
  }
}

interface CsvColumn {
  readonly title: string
  readonly read: (row: Json) => Json
}

/** A reference becomes one column with its name. Any other object becomes one column per field, `totals.requests`. */
function csvColumns(schema: JsonSchema, prefix: string, reach: (row: Json) => Json): readonly CsvColumn[] {
  return Object.entries(bare(schema).properties ?? {}).flatMap(([field, inner]) => {
    const title = prefix + field
    const read = (row: Json): Json => member(reach(row), field)
    if (isReference(inner)) {
      const [, shown = 'id'] = Object.keys(bare(inner).properties ?? {})
      return [{ title, read: (row: Json) => member(read(row), shown) }]
    }
    return bare(inner).properties === undefined ? [{ title, read }] : csvColumns(inner, `${title}.`, read)
  })
}

const member = (value: Json, field: string): Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && Object.hasOwn(value, field)
    ? (Reflect.get(value, field) ?? null)
    : null

function csvCell(value: Json, write: (text: string) => string): string {
  if (value === null) return ''
  if (value === '') return '""'
  if (typeof value === 'string') return quoted(write(value))
  return quoted(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

const quoted = (text: string): string =>
  /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

async function* yaml(rows: Rows, schema: JsonSchema, isList: boolean): AsyncIterable<string> {
  let isEmpty = true
  for await (const row of rows) {
    isEmpty = false
    const value = toJson(schema, row)
    yield Bun.YAML.stringify(isList ? [value] : value, null, 2).trimEnd()
  }
  if (isEmpty) yield '[]'
}

async function* name(rows: Rows, schema: JsonSchema): AsyncIterable<string> {
  const field = idField(Object.keys(schema.properties ?? {})) ?? ''
  for await (const row of rows) {
    const id: unknown = Object(row)[field]
    if (id !== null && id !== undefined) yield String(id)
  }
}

const idField = (fields: readonly string[]): string | undefined =>
  ['id', 'path'].find(field => fields.includes(field))
