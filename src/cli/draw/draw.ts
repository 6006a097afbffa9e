/** Draws a result for people: as the text of the command, as a card or as a table. Long output goes to a pager. */
import { bare } from '../../contract/json.ts'
import type { JsonSchema } from '../../contract/shape.ts'
import type { Key } from '../../contract/views.ts'
import type { Brush } from '../declare/brush.ts'
import type { Column } from '../declare/column.ts'
import type { Declaration } from '../declare/declaration.ts'
import { isSame } from '../declare/define.ts'
import { harmless, printable, printableLine } from '../terminal/printable.ts'
import type { Output } from '../terminal/streams.ts'
import { widthOf } from '../terminal/width.ts'
import { card, inline, label } from './card.ts'
import { limitText } from './columns.ts'
import type { Presentation } from './presentation.ts'
import { drawTable } from './table.ts'

/** @param declaration with the shape of the result; without columns, its fields are shown under their own names */
export async function draw(
  declaration: Declaration,
  input: Record<string, unknown>,
  result: unknown,
  { format, fields, again = text => text, dryRun }: Presentation,
  makeBrush: () => Promise<Brush>,
): Promise<readonly string[]> {
  const { form, shape, done, total } = declaration.prints
  if (shape === undefined) return lines(String(result))
  const isList = Array.isArray(result)
  const isEmpty = isList && result.length === 0
  if (isEmpty && !dryRun) return []
  const brush = await makeBrush()
  // `done` describes a single thing, also where several are possible.
  const tells = done !== undefined && !(isList && form === 'one or rows')
  const isTold = format === 'table' && fields === undefined
  const planned = dryRun && isTold ? declaration.would?.(harmless(result), brush, input) : undefined
  const would = planned !== undefined && isSame(result) ? 'change nothing' : planned
  if (would !== undefined && (isEmpty || !isList))
    return lines(again([`Would ${would}`, ...understood(result, brush)].join('\n')))
  if (isEmpty) return []
  if (tells && isTold && would === undefined) return lines(again(done(harmless(result), brush, input)))
  if (!isList) return lines(card(shape, harmless(result), brush, fields))
  const columns =
    fields?.map(field => fieldColumn(shape.shapes[field]?.schema ?? {}, field)) ??
    declaredColumns(declaration, input) ??
    shape.fields.map(field => ({ ...fieldColumn({}, field), title: printableLine(field) }))
  const shown = columns.filter(column => format === 'wide' || !column.wide)
  const sum = fields === undefined ? total?.(result, input) : undefined
  const table = await drawTable(shown, result, brush, sum)
  return would === undefined ? [table] : [`Would ${would}`, table]
}

/** How short forms were understood: limits, and when a key ends. A change tells by itself what differs. */
function understood(result: unknown, brush: Brush): readonly string[] {
  const { limits, expiresAt, before }: Partial<Key & { readonly before: unknown }> = Object(result)
  if (before !== undefined) return []
  return [
    ...(limits ?? []).map(limit => `  limit ${limitText(limit, brush)}`),
    ...(expiresAt ? [`  expires ${brush.dated(expiresAt)}`] : []),
  ]
}

const declaredColumns = ({ prints: { columns } }: Declaration, input: Record<string, unknown>) =>
  typeof columns === 'function' ? columns(input) : columns

const lines = (text: string): readonly string[] => (text === '' ? [] : [text.replace(/\n$/, '')])

function fieldColumn(schema: JsonSchema, field: string): Column<unknown> {
  const { type } = bare(schema)
  const numeric = [type].flat().some(each => each === 'integer' || each === 'number')
  return {
    title: label(printableLine(field)),
    // Rows are printable by then, including names.
    cell: (row, brush) => inline(schema, field, Object(row)[printable(field)], { ...brush, time: brush.ago }),
    align: numeric ? 'right' : 'left',
  }
}

/** Shows lists that are longer than the screen in a pager. The outcome of a change is printed directly. */
export async function isPaged(
  drawn: readonly string[],
  declaration: Declaration,
  { pager }: Presentation,
  { pager: screen, columns = 80 }: Output,
): Promise<boolean> {
  if (pager === undefined || screen === undefined) return false
  if (declaration.effect !== 'read' || declaration.prints.form !== 'rows') return false
  const text = drawn.join('\n')
  const lines = text
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0)
  // Leaves the last line of the screen for the prompt.
  return lines >= screen.rows && screen.page(pager, `${text}\n`)
}
