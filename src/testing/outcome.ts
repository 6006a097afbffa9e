/** Holds what any test gets from the program against the JSON contract. For tests only. */
import { type Environment, formats } from '../cli/config.ts'
import { readCommandLine } from '../cli/program.ts'
import { outputOf } from '../cli/reference/commands.ts'
import { errorSchema, jsonSchemaOf } from '../cli/reference/json.ts'
import { tree } from '../cli/tree.ts'
import { programVersion } from '../version.ts'
import { schemaProblems } from './schema.ts'

export interface Printed {
  readonly out: string
  readonly err: string
}

/**
 * Throws when a command that was asked for JSON printed something that its schema does not allow, or an error object
 * that is none. What was cut short by a signal or by its reader says nothing.
 */
export async function requireContract(
  argv: readonly string[],
  env: Environment,
  printed: Printed,
): Promise<void> {
  const invocation = await readCommandLine(argv, tree, { version: programVersion, width: 80 })
  if (invocation.kind !== 'run') return
  const { declaration, globals } = invocation
  const format = globals.json ? 'json' : (globals.output ?? env['LATCHKEY_OUTPUT'])
  if (!formats.some(each => each === format)) return
  const problems =
    format === 'json' && printed.out !== '' && globals.fields === undefined
      ? schemaProblems(jsonSchemaOf(declaration) ?? {}, JSON.parse(printed.out))
      : format === 'ndjson' && globals.fields === undefined
        ? lines(printed.out).flatMap(line =>
            schemaProblems(outputOf(declaration)?.shape.schema ?? {}, JSON.parse(line)),
          )
        : []
  const errors = lines(printed.err)
    .filter(line => line.startsWith('{"error":'))
    .flatMap(line => schemaProblems(errorSchema, JSON.parse(line)))
  const [problem] = [...problems, ...errors]
  if (problem !== undefined) throw new Error(`latchkey ${argv.join(' ')} breaks the contract: ${problem}`)
}

const lines = (text: string): readonly string[] => text.split('\n').filter(line => line !== '')
