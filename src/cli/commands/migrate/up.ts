import { migrated } from '../../../contract/views/database.ts'
import { command, one, opt } from '../../declare/define.ts'
import { integerAtLeast } from '../../declare/parse.ts'
import { migratedLines, migrationPlanLines } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Update the schema, after a rehearsal on a copy and a backup',
  examples: ['latchkey migrate up', 'latchkey migrate up --dry-run', 'latchkey migrate up --to 1 --json'],
  options: { to: opt.as('version', integerAtLeast(1), 'Schema version to stop at (default: the latest)') },
  run: async (ctx, { to }) => (await ctx.operations()).migrations.migrate({ direction: 'up', to }),
  prints: one(migrated, { done: migratedLines }),
  would: migrationPlanLines,
})
