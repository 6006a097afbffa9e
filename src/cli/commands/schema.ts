import { arg, command } from '../define.ts'
import { schemaText } from '../reference/pages.ts'

export default command({
  name: 'schema',
  effect: 'read',
  summary: 'Print the JSON Schema of what a command prints with --json',
  description:
    'Draft 2020-12, of the whole document. Without a command: an object with the schema of every command by its words, and under error that of what stderr holds when one fails.',
  examples: ['latchkey schema key list', 'latchkey schema error', 'latchkey schema > latchkey.schemas.json'],
  args: { command: arg.any('Words of the command, such as key list; or error') },
  run: async (_, { command: words }) => schemaText(words.join(' ')),
  text: true,
})
