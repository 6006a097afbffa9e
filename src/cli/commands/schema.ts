import type { JsonSchema } from '../../contract/shape.ts'
import { jsonSchema } from '../../contract/views/program.ts'
import { arg, command, one } from '../declare/define.ts'
import { schemaOf } from '../reference/schema.ts'

export default command({
  effect: 'read',
  summary: 'Print the JSON Schema of what a command prints with --json',
  description:
    'Prints a schema of the whole document, in draft 2020-12. Without a command, lists what each command prints; with --json, prints all schemas under $defs.',
  examples: [
    'latchkey schema key list',
    'latchkey schema error',
    'latchkey schema --json > latchkey.schema.json',
  ],
  args: { command: arg.any('Command, such as key list, or error') },
  run: async (ctx, { command: words }) => schemaOf(ctx.tree, words),
  prints: one(jsonSchema, {
    done: schema => (schema.$defs ? contents(schema.$defs) : JSON.stringify(schema, null, 2)),
  }),
})

function contents(all: Readonly<Record<string, JsonSchema>>): string {
  const width = Math.max(...Object.keys(all).map(path => path.length))
  return Object.entries(all)
    .map(([path, { description = '' }]) => `${path.padEnd(width)}  ${description}`)
    .join('\n')
}
