import type { JsonSchema } from '../../contract/shape.ts'
import { jsonSchema } from '../../contract/views/program.ts'
import { arg, command, one } from '../declare/define.ts'
import { schemaOf } from '../reference/schema.ts'

export default command({
  effect: 'read',
  summary: 'Print the JSON Schema of what a command prints with --json',
  description:
    'Draft 2020-12, of the whole document. Without a command: what each of them prints; with --json the schemas of all, under $defs.',
  examples: [
    'latchkey schema key list',
    'latchkey schema error',
    'latchkey schema --json > latchkey.schema.json',
  ],
  args: { command: arg.any('Words of the command, such as key list; or error') },
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
