import { schemaEvent } from '../../../contract/views/database.ts'
import { command, rows } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'List schema changes: when, by whom, and the backup taken first',
  examples: ['latchkey migrate history', 'latchkey migrate history --json'],
  run: async ctx => (await ctx.operations()).migrations.history(),
  prints: rows(schemaEvent, {
    columns: [
      { title: 'when', time: event => event.at },
      { title: 'what', cell: event => event.event },
      { title: 'from', cell: event => String(event.from ?? '?'), align: 'right' },
      { title: 'to', cell: event => String(event.to), align: 'right' },
      { title: 'steps', cell: event => event.steps.join(', '), importance: 'low', hideEmpty: true },
      { title: 'by', cell: event => event.actor ?? '' },
      { title: 'backup', cell: event => event.backup ?? '', hideEmpty: true },
      { title: 'program', cell: event => event.programVersion ?? '', wide: true },
    ],
    empty: 'The schema was never changed. Update it with: latchkey migrate up',
  }),
})
