/** Draws one thing as a list of its fields, for `show` commands. Shows every field of the shape. */
import { bare, isReference, toJson } from '../../contract/json.ts'
import type { JsonSchema, ObjectShape } from '../../contract/shape.ts'
import type { Limit, UserRef } from '../../contract/views.ts'
import type { Brush } from '../declare/brush.ts'
import { printableLine } from '../terminal/printable.ts'
import { fold, padded, widest, widthOf } from '../terminal/width.ts'
import { limitText, reference } from './columns.ts'

/** Every field, or the given ones, as aligned `label  value`, without a final line break. */
export function card(
  shape: ObjectShape<Record<string, unknown>>,
  value: unknown,
  brush: Brush,
  fields?: readonly string[],
): string {
  return block(shape.schema, value, { ...brush, time: brush.dated }, fields).join('\n')
}

/** A value on one line, for a card or a column. */
export function inline(schema: JsonSchema, name: string, value: unknown, brush: Brush): string {
  if (value === null || value === undefined || value === '') return '-'
  if (value instanceof Date) return brush.time(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return quantity(bare(schema), name, value, brush)
  if (typeof value === 'string') return printableLine(name === 'status' ? value.replace('_', ' ') : value)
  const { items } = bare(schema)
  if (Array.isArray(value) && items !== undefined) {
    return value.length === 0 ? '-' : value.map(each => inline(items, name, each, brush)).join(', ')
  }
  if (isReference(schema)) return printableLine(reference(value as UserRef))
  if (isLimit(schema)) return limitText(value as Limit, brush)
  return printableLine(JSON.stringify(toJson(schema, value)))
}

/** `createdAt` as `created`, `rawSizeBytes` as `raw size`. The value shows the unit. */
export function label(field: string): string {
  const words = field.replace(/(?<=[a-z])(At|Ms|Bytes|Usd)$/, '')
  return words.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
}

function block(schema: JsonSchema, value: unknown, brush: Brush, fields?: readonly string[]): string[] {
  const given: Readonly<Record<string, unknown>> = { ...(value as object) }
  const { properties, additionalProperties } = bare(schema)
  const each = typeof additionalProperties === 'object' ? additionalProperties : {}
  const names = fields ?? Object.keys(properties ?? given)
  const title = (name: string): string => (properties === undefined ? printableLine(name) : label(name))
  const width = widest(names.map(title))
  return names.flatMap(name => {
    const inner = properties?.[name] ?? each
    if (!isNested(inner, given[name])) {
      return labelled(title(name), width, valueLines(inner, name, given[name], brush), brush)
    }
    const narrower = { ...brush, width: brush.width - 2 }
    const lines = valueLines(inner, name, given[name], narrower)
    return [brush.dim(title(name)), ...lines.map(line => `  ${line}`)]
  })
}

/** Values next to their label, each on its own line and folded to the remaining width. If little remains, below the label. */
export function labelled(
  title: string,
  width: number,
  values: readonly string[],
  brush: Brush,
): readonly string[] {
  const isBeside = width + 2 <= brush.width / 2
  const indent = ' '.repeat(isBeside ? width + 2 : 2)
  const room = brush.width - indent.length
  const lines = values
    .flatMap(value => fold(value, room))
    // A text that is never folded may be copied, so it gets its own line.
    .map(line => (widthOf(line) > room ? line : indent + line))
  const head = brush.dim(title)
  const [first = indent, ...rest] = lines
  if (!isBeside || !first.startsWith(indent)) return [head, ...lines]
  return [padded(head, indent.length) + first.slice(indent.length), ...rest]
}

function valueLines(schema: JsonSchema, name: string, value: unknown, brush: Brush): string[] {
  const { items } = bare(schema)
  if (!isNested(schema, value)) {
    const oneEach = Array.isArray(value) && value.length > 0 && items !== undefined && isLimit(items)
    return oneEach
      ? value.map(each => inline(items, name, each, brush))
      : [inline(schema, name, value, brush)]
  }
  return Array.isArray(value) ? rows(items ?? {}, value, brush) : block(schema, value, brush)
}

/** A list of objects as aligned rows below their labels, or as blocks if that is too wide. */
function rows(schema: JsonSchema, values: readonly unknown[], brush: Brush): string[] {
  const properties = bare(schema).properties ?? {}
  const names = Object.keys(properties)
  const cells = values.map(value => {
    const given: Readonly<Record<string, unknown>> = { ...(value as object) }
    return names.map(name => inline(properties[name] ?? {}, name, given[name], brush))
  })
  const titles = names.map(label)
  const widths = titles.map((title, index) => widest([title, ...cells.map(line => line[index] ?? '')]))
  if (widths.reduce((sum, each) => sum + each + 2, -2) > brush.width) {
    return values.flatMap((value, index) => [...(index === 0 ? [] : ['']), ...block(schema, value, brush)])
  }
  const aligned = (line: readonly string[]): string =>
    line
      .map((cell, index) => padded(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  return [brush.dim(aligned(titles)), ...cells.map(aligned)]
}

/** Whether the value needs its own lines: an object that is not a reference, or a list of such objects. */
function isNested(schema: JsonSchema, value: unknown): boolean {
  if (value === null || value === undefined || value instanceof Date || typeof value !== 'object')
    return false
  const { items, properties, additionalProperties } = bare(schema)
  if (Array.isArray(value)) return value.length > 0 && items !== undefined && isNested(items, value[0])
  if (isReference(schema) || isLimit(schema)) return false
  const mapped = typeof additionalProperties === 'object' && Object.keys(value).length > 0
  return properties !== undefined || mapped
}

function isLimit(schema: JsonSchema): boolean {
  const { properties } = bare(schema)
  return properties?.['metric'] !== undefined && properties['windowMs'] !== undefined
}

function quantity(schema: JsonSchema, name: string, value: number, brush: Brush): string {
  if (name.endsWith('Bytes')) return brush.bytes(value)
  if (name.endsWith('Ms')) return brush.duration(value)
  if (name.endsWith('Usd')) return brush.dollars(value)
  return [schema.type].flat().includes('integer') ? brush.count(value) : String(value)
}
