/** Writes docs/json.md, the contract of machine-readable output, from all shapes of the contract. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, exitCodes, exitMeanings } from '../../contract/errors.ts'
import { bare } from '../../contract/json.ts'
import type { JsonSchema, ObjectShape } from '../../contract/shape.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { NamedCommand, NamedNoun } from './commands.ts'
import { anchor, block, code, generated, linkTo, page, table } from './prose.ts'
import { errorSchema, formText } from './schema.ts'

type AnyShape = ObjectShape<Record<string, unknown>>

export function jsonPage(nouns: readonly NamedNoun[]): string {
  const commands = nouns.flatMap(noun => noun.commands)
  return page([
    generated,
    '# JSON',
    introduction,
    '## Formats',
    formats,
    csv,
    '## Errors',
    errors,
    table(['Field', 'Type', 'Null', 'Meaning'], fieldRows(errorSchema, '')),
    '## Progress lines',
    progress,
    '## Commands',
    'What each command prints on stdout.',
    table(
      ['Command', 'Prints'],
      commands.map(command => [
        `[${code(`latchkey ${command.path}`)}](cli.md#${anchor(`latchkey ${command.path}`)})`,
        printed(command.declaration),
      ]),
    ),
    '## Views',
    'Every object that a command prints, and the objects inside.',
    ...allViews.flatMap(view => viewSection(view, commands)),
  ])
}

/** `array of [Key](json.md#key)`, for both pages. */
export function printed(declaration: Declaration, target = ''): string {
  const { form, shape } = declaration.prints
  return form === 'text' ? 'plain text' : formText(form, linkTo(shape.name, target))
}

const introduction = `\`--json\` (or \`-o json\`) prints one JSON document on stdout: an array for a list, \`[]\` when it is empty, and an object for
anything else. Notices, prompts and errors go to stderr.

- Fields may be added. No field is ever renamed, removed or given another type.
- Every field is always present; a missing value is \`null\`. \`--fields a,b\` prints only these fields, in this order.
- Times are RFC 3339 in UTC with milliseconds, such as \`2026-11-20T03:11:26.603Z\`, whatever \`--tz\` says.
- Sizes and counts are numbers: bytes in \`…Bytes\`, milliseconds in \`…Ms\`, dollars in \`…Usd\`.
- Fields hold data, not sentences, except for messages and texts that people wrote.
- In a dry run, every object has \`"dryRun": true\`; otherwise the field is missing. The id of something that would be created is
  only an example.
- A \`secret\` is printed once, by the command that creates it.

\`latchkey schema key list\` prints the JSON Schema (draft 2020-12) of what \`latchkey key list --json\` prints, and likewise
for every command. \`latchkey schema error\` prints the schema of an error, \`latchkey schema --json\` all schemas under \`$defs\`.
They allow fields that are added later.`

const formats = table(
  ['Format', 'What it holds'],
  [
    ['`-o json`', 'One document, indented.'],
    ['`-o ndjson`', 'The same objects, one per line. Nothing for an empty list.'],
    ['`-o csv`', 'A header line, then one line per row (RFC 4180 with `\\n`).'],
    ['`-o yaml`', 'The same document as YAML.'],
    ['`-q`, `-o name`', 'One `id` per line, or the `path` of objects without an id.'],
  ],
)

const csv = `In CSV:

- A thing inside another view, such as the user of a key, is shown as its name. Other objects have one column per field, such as
  \`totals.requests\`. Lists are JSON.
- \`null\` is an empty cell, empty text is \`""\`.
- Text that begins with \`=\`, \`+\`, \`-\`, \`@\`, a tab or a return gets a \`'\` before it, so that no spreadsheet runs it. \`key import\`
  and \`usage ingest\` remove it again. \`--csv-verbatim\` turns this off.`

const errors = page([
  `A command that fails prints nothing on stdout. Under \`-o json\` and \`-o ndjson\` stderr holds one object on one line; in the
other formats the line \`latchkey: …\` says what is wrong and the line \`try: …\` what to do next. \`exit\` is the exit code.`,
  block(
    'text',
    '{"error":{"code":"not_found","message":"no key matches \\"ci\\"","hint":"see them with: latchkey key list","exit":3}}',
  ),
  'Checks also report their result in the exit code. That is not an error: the document is on stdout as usual.',
  table(
    ['Code', 'Exit', 'Meaning'],
    (Object.keys(exitCodes) as ErrorCode[]).map(each => [
      code(each),
      String(exitCodes[each]),
      exitMeanings[exitCodes[each]] ?? '',
    ]),
  ),
]).trimEnd()

const progress = page([
  `Commands that may take longer than a second show their progress. A terminal gets one line that disappears at the end. With
\`--progress json\`, stderr gets a line of JSON at most four times a second and at the end of each step, also in a pipe. Each line
holds one [Progress](#progress). \`--progress never\` turns both off.`,
  block(
    'text',
    '{"progress":{"step":"packing","done":87136665,"total":193986560,"unit":"bytes","rate":63960000,"etaMs":1670}}',
  ),
]).trimEnd()

const isShape = (value: unknown): value is AnyShape =>
  typeof value === 'object' && value !== null && 'fields' in value && 'shapes' in value

const folder = join(import.meta.dir, '../../contract/views')
const files: readonly object[] = await Promise.all(
  readdirSync(folder).map(file => import(join(folder, file))),
)

const allViews: readonly AnyShape[] = files
  .flatMap(file => Object.values(file).filter(isShape))
  .sort((a, b) => (a.name < b.name ? -1 : 1))

/** Every use of a view shares its `properties`, so it is recognized by them. */
const names = new Map(
  allViews.flatMap(({ schema, name }) => (schema.properties ? [[schema.properties, name]] : [])),
)

function viewSection(view: AnyShape, commands: readonly NamedCommand[]): readonly (string | undefined)[] {
  const users = commands.filter(({ declaration }) => declaration.prints.shape?.name === view.name)
  const holders = allViews
    .filter(other => other !== view && holds(other.schema, view))
    .map(other => other.name)
  const by = users.map(({ path }) => code(path)).join(', ')
  return [
    `### ${view.name}`,
    users.length === 0 ? undefined : `Printed by ${by}.`,
    holders.length === 0 ? undefined : `Part of ${holders.map(name => linkTo(name)).join(', ')}.`,
    view.schema.properties
      ? table(['Field', 'Type', 'Null', 'Meaning'], fieldRows(view.schema, ''))
      : `${view.schema.description}${view.schema.$ref === undefined ? '' : ` (${view.schema.$ref})`}.`,
  ]
}

/** A row per field. Fields of an unnamed object follow it. */
function fieldRows(schema: JsonSchema, prefix: string): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([field, inner]) => {
    const rest = bare(inner)
    const nested = rest.items ?? rest
    const path = `${prefix}${field}${rest.items ? '[]' : ''}`
    const row = [
      code(prefix + field),
      typeText(inner),
      isNullable(inner) ? 'yes' : '',
      inner.description ?? '',
    ]
    return nested.properties && names.has(nested.properties) ? [row] : [row, ...fieldRows(nested, `${path}.`)]
  })
}

function typeText(schema: JsonSchema): string {
  const { type, properties, items, additionalProperties, enum: choices, format } = bare(schema)
  const view = properties && names.get(properties)
  if (view !== undefined) return linkTo(view)
  if (choices) return choices.map(choice => code(JSON.stringify(choice))).join(', ')
  if (items) return `array of ${typeText(items)}`
  if (typeof additionalProperties === 'object') return `object of ${typeText(additionalProperties)} by name`
  const only = [type].flat().find(each => each !== 'null')
  if (only === undefined) return 'any JSON'
  return format === 'date-time' ? 'time' : only
}

function isNullable({ type, anyOf }: JsonSchema): boolean {
  return [type].flat().includes('null') || (anyOf?.some(each => each.type === 'null') ?? false)
}

function holds(schema: JsonSchema, view: AnyShape): boolean {
  const { properties, items, additionalProperties } = bare(schema)
  const inner = [...Object.values(properties ?? {}), ...(items ? [items] : [])]
  if (typeof additionalProperties === 'object') inner.push(additionalProperties)
  return inner.some(each => {
    const found = bare(each).properties
    if (found !== undefined && names.has(found)) return found === view.schema.properties
    return holds(each, view)
  })
}
