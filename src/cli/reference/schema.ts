/** The JSON Schema (draft 2020-12) of everything that commands print, from the declared shapes. Runs nothing. */

import { exitCodes } from '../../contract/errors.ts'
import type { JsonSchema } from '../../contract/shape.ts'
import type { Declaration, Form, Tree } from '../declare/declaration.ts'
import { dryRunField } from '../declare/define.ts'
import { namedNouns, unknownPath } from './commands.ts'

/**
 * The schema of what one command prints with `--json`, or of `error`. For a noun or nothing, the schemas of all its
 * commands, under `$defs`.
 *
 * @throws not_found
 */
export async function schemaOf(tree: Tree, words: readonly string[]): Promise<JsonSchema> {
  // Each is written when it is asked for.
  const all = new Map([
    ['error', () => standalone('error', 'The error on stderr when a command fails with --json', errorSchema)],
  ])
  for (const { path, declaration } of (await namedNouns(tree)).flatMap(noun => noun.commands)) {
    const schema = jsonSchemaOf(declaration)
    const { form, shape } = declaration.prints
    if (schema && shape) all.set(path, () => standalone(path, formText(form, shape.name), schema))
  }
  const path = words.join(' ')
  const found = all.get(path)
  if (found !== undefined) return found()
  const below = [...all].filter(([each]) => path === '' || each.startsWith(`${path} `))
  if (below.length === 0) throw unknownPath(path, [...all.keys()], 'latchkey schema')
  const $defs = Object.fromEntries(below.map(([each, write]) => [each, write()]))
  return { ...standalone(path, 'What its commands print', {}), $defs }
}

/** The document that a command prints with `--json`; undefined for plain text. */
export function jsonSchemaOf(declaration: Declaration): JsonSchema | undefined {
  const { form, shape } = declaration.prints
  if (form === 'text') return undefined
  const schema = withDryRun(declaration, shape.schema)
  const rows: JsonSchema = { type: 'array', items: schema }
  return { one: schema, rows, 'one or rows': { anyOf: [schema, rows] } }[form]
}

/** One object that a command prints, only with the given fields if there are any. */
export function rowSchemaOf(declaration: Declaration, fields?: readonly string[]): JsonSchema | undefined {
  const { shape } = declaration.prints
  if (shape === undefined) return undefined
  const schema = withDryRun(declaration, shape.schema)
  if (fields === undefined) return schema
  const properties = Object.fromEntries(fields.map(field => [field, schema.properties?.[field] ?? {}]))
  return { type: 'object', properties, required: fields, additionalProperties: false }
}

/** Objects of changing commands may say that it was a dry run. */
function withDryRun({ effect }: Declaration, schema: JsonSchema): JsonSchema {
  const { properties } = schema
  if (effect === 'read' || properties === undefined) return schema
  return { ...schema, properties: { ...properties, dryRun: dryRunField.dryRun.schema } }
}

/** The error on stderr under `-o json` or `-o ndjson`. */
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

/** `array of Key`, with the name written in any way. */
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

/** Fields may be added, so today's schema must accept output of tomorrow. */
function withRoom(schema: object): JsonSchema {
  const leaveOut = (key: string, value: unknown) =>
    key === 'additionalProperties' && value === false ? undefined : value
  return JSON.parse(JSON.stringify(schema, leaveOut))
}
