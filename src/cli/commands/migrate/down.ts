import { migrated } from '../../../contract/views.ts'
import { command, opt } from '../../define.ts'
import { migratedLines } from '../../drawing.ts'
import { count, integerAtLeast } from '../../parse.ts'

export default command({
  name: 'down',
  effect: 'destroy',
  summary: 'Take migrations back, after a rehearsal on a copy and a backup',
  description:
    'What only the newer schema can hold is lost from the database; the backup taken first has it.',
  examples: ['latchkey migrate down --steps 1 --dry-run', 'latchkey migrate down --to 1 --yes'],
  options: {
    to: opt.as('version', integerAtLeast(0), 'Schema version to go back to'),
    steps: opt.as('n', count, 'How many migrations to take back (default: 1)'),
  },
  confirm: async ctx => {
    const { path, current } = await (await ctx.operations()).migrations.state()
    return { question: `Take the schema of ${path} back from version ${current}` }
  },
  run: async (ctx, { to, steps }) =>
    (await ctx.operations()).migrations.migrate({ direction: 'down', to, steps }),
  output: migrated,
  done: migratedLines,
})
