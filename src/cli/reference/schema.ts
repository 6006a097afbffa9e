/** The JSON Schema (draft 2020-12) of everything that commands print, from the shapes they declare. Runs nothing. */

import { exitCodes } from '../../contract/errors.ts'
import type { JsonSchema } from '../../contract/shape.ts'
import type { Declaration, Form, Tree } from '../declare/declaration.ts'
import { dryRunField } from '../declare/define.ts'
import { namedNouns, unknownPath } from './commands.ts'

/**
 * The schema of what one command prints with `--json`, or of `error`; of a noun or nothing, those of all its commands
 * under `$defs`.
 *
 * @throws not_found
 */
export async function schemaOf(tree: Tree, words: readonly string[]): Promise<JsonSchema> {
  const all = new Map([
    ['error', standalone('error', 'The error on stderr when a command fails with --json', errorSchema)],
  ])
  for (const { path, declaration } of (await namedNouns(tree)).flatMap(noun => noun.commands)) {
    const schema = jsonSchemaOf(declaration)
    const { form, shape } = declaration.prints
    if (schema && shape) all.set(path, standalone(path, formText(form, shape.name), schema))
  }
  const path = words.join(' ')
  const found = all.get(path)
  if (found !== undefined) return found
  const below = [...all].filter(([each]) => path === '' || each.startsWith(`${path} `))
  if (below.length === 0) throw unknownPath(path, [...all.keys()], 'latchkey schema')
  return { ...standalone(path, 'What its commands print', {}), $defs: Object.fromEntries(below) }
}

/** The whole document that a command prints with `--json`; undefined for plain text. */
export function jsonSchemaOf(declaration: Declaration): JsonSchema | undefined {
  const { form, shape } = declaration.prints
  if (form === 'text') return undefined
  const schema = withDryRun(declaration, shape.schema)
  const rows: JsonSchema = { type: 'array', items: schema }
  return { one: schema, rows, 'one or rows': { anyOf: [schema, rows] } }[form]
}

/** One of the objects that a command prints, with these fields alone when they are named. */
export function rowSchemaOf(declaration: Declaration, fields?: readonly string[]): JsonSchema | undefined {
  const { shape } = declaration.prints
  if (shape === undefined) return undefined
  const schema = withDryRun(declaration, shape.schema)
  if (fields === undefined) return schema
  const properties = Object.fromEntries(fields.map(field => [field, schema.properties?.[field] ?? {}]))
  return { type: 'object', properties, required: fields, additionalProperties: false }
}

/** What a changing command prints may say that it was a dry run. */
function withDryRun({ effect }: Declaration, schema: JsonSchema): JsonSchema {
  const { properties } = schema
  if (effect === 'read' || properties === undefined) return schema
  return { ...schema, properties: { ...properties, dryRun: dryRunField.dryRun.schema } }
}

/** What goes to stderr when a command fails under `-o json` or `-o ndjson`. */
export const errorSchema: JsonSchema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      description: 'What went wrong',
      properties: {
        code: {
          type: 'string',
          enum: Object.keys(exitCodes),
          description: 'Error code, for programs',
        },
        message: { type: 'string', description: 'What is wrong, as text for people' },
        hint: { type: 'string', description: 'What to do next' },
        exit: { type: 'integer', description: 'Exit code of the process' },
      },
      required: ['code', 'message', 'hint', 'exit'],
      additionalProperties: false,
    },
  },
  required: ['error'],
  additionalProperties: false,
}

/** `array of Key`, in whatever way the name is to be written. */
export const formText = (form: Form, name: string): string =>
  ({ one: name, rows: `array of ${name}`, 'one or rows': `${name}, or an array of them` })[form]

function standalone(path: string, description: string, schema: JsonSchema): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: ['urn:latchkey', ...path.split(' ')].filter(word => word !== '').join(':'),
    title: `latchkey ${path}`.trim(),
    description,
    ...withRoom({ ...schema, title: undefined, description: undefined }),
  }
}

/** Fields may join: whoever holds today's schema against tomorrow's output finds nothing wrong. */
function withRoom(schema: object): JsonSchema {
  const leaveOut = (key: string, value: unknown) =>
    key === 'additionalProperties' && value === false ? undefined : value
  return JSON.parse(JSON.stringify(schema, leaveOut))
}
