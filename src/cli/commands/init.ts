import { initialized } from '../../contract/views.ts'
import { command } from '../define.ts'

export default command({
  name: 'init',
  effect: 'write',
  summary: 'Create the database',
  description:
    'Where --db, LATCHKEY_DB or the configuration says. A database that is there already is never touched.',
  examples: ['latchkey init', 'latchkey init --db /var/lib/gateway/latchkey.db'],
  run: async ctx => (await ctx.operations()).initialize(),
  output: initialized,
  done: ({ path }) => `Created ${path}\nNext: latchkey user create alice --email alice@example.org`,
})
