/** Checks all output that a test gets from the program against the JSON contract. For tests only. */

import { tree } from '../cli/commands/tree.ts'
import type { Declaration, Tree } from '../cli/declare/declaration.ts'
import { isDrawn, isForPeople } from '../cli/draw/present.ts'
import type { Globals } from '../cli/line/globals.ts'
import { readCommandLine } from '../cli/line/program.ts'
import { errorSchema, jsonSchemaOf, rowSchemaOf } from '../cli/reference/schema.ts'
import { type Format, resolveConfig } from '../cli/settings/config.ts'
import type { Environment } from '../system/home.ts'
import { hintProblems } from './hints.ts'
import { schemaProblems } from './schema.ts'

/** A command line that has ended, and its output. */
export interface Outcome {
  readonly argv: readonly string[]
  readonly env: Environment
  readonly cwd: string
  readonly tree?: Tree | undefined
  readonly code: number
  readonly out: string
  readonly err: string
}

/**
 * Throws if a command with JSON or NDJSON output printed something that its schema does not allow, failed with output
 * on stdout, or failed without an error object at the end of stderr. Also throws if an error suggests a command that
 * this program does not understand.
 */
export async function requireContract(outcome: Outcome): Promise<void> {
  // The tree of a test has other commands.
  const hints = outcome.tree === undefined ? await hintProblems(hintOf(outcome.err)) : []
  if (hints.length > 0) throw new Error(hints.join('\n'))
  const invocation = await readCommandLine(outcome.argv, outcome.tree ?? tree, { version: '0', width: 80 })
  if (invocation.kind === 'help') return
  const asked = formatOf(invocation.globals, outcome)
  const declaration = invocation.kind === 'run' ? invocation.declaration : undefined
  const isDocument = declaration !== undefined && !isDrawn(declaration, asked)
  // Lines that a command writes for people itself have a form of their own.
  if (isDocument && isForPeople(asked) && declaration.lines !== undefined) return
  const format = isDocument && isForPeople(asked) ? 'ndjson' : asked
  if (format !== 'json' && format !== 'ndjson') return
  const fields = invocation.globals.fields?.split(',').map(field => field.trim())
  const problems =
    outcome.out === '' && (format === 'json' || outcome.code !== 0)
      ? errorProblems(outcome, asked)
      : documentProblems(declaration, format, fields, outcome.out)
  if (problems.length === 0) return
  throw new Error(`latchkey ${outcome.argv.join(' ')} breaks its contract:\n${problems.join('\n')}`)
}

/** The next step of an error, for people or in JSON. */
function hintOf(err: string): string {
  const last = lines(err).at(-1) ?? ''
  const [, hint] = /^try: (.*)/m.exec(err) ?? []
  if (hint !== undefined) return hint
  return last.startsWith('{"error":') ? String(JSON.parse(last).error.hint) : ''
}

/** As main() decides. */
function formatOf({ format, quiet, db, tz }: Globals, { env, cwd }: Outcome): Format {
  if (format !== undefined) return format
  if (quiet) return 'name'
  try {
    return resolveConfig(env, cwd, { db, tz }).output
  } catch {
    return 'table'
  }
}

function documentProblems(
  declaration: Declaration | undefined,
  format: 'json' | 'ndjson',
  fields: readonly string[] | undefined,
  out: string,
): readonly string[] {
  const row = declaration && rowSchemaOf(declaration, fields)
  // Plain text has one format, whatever the settings say.
  if (declaration?.prints.form === 'text') return []
  if (declaration === undefined || row === undefined) return [`there is something on stdout: ${out}`]
  if (format === 'ndjson') return lines(out).flatMap(line => problemsOf(row, line))
  const whole =
    fields === undefined ? jsonSchemaOf(declaration) : { anyOf: [row, { type: 'array', items: row }] }
  return problemsOf(whole ?? {}, out)
}

function errorProblems({ err, code }: Outcome, asked: Format): readonly string[] {
  // Errors are only JSON if JSON was asked for.
  if (asked !== 'json' && asked !== 'ndjson') return []
  const problems = problemsOf(errorSchema, lines(err).at(-1) ?? '')
  if (problems.length > 0) return problems
  const { error } = JSON.parse(lines(err).at(-1) ?? '')
  return error.exit === code ? [] : [`the error says exit ${error.exit}, and it exits ${code}`]
}

function problemsOf(schema: Parameters<typeof schemaProblems>[0], text: string): readonly string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return [`this is no JSON: ${text.slice(0, 200)}`]
  }
  return schemaProblems(schema, value)
}

const lines = (text: string): readonly string[] => text.split('\n').filter(line => line !== '')
