import { migrated } from '../../../contract/views/database.ts'
import { command, one, opt } from '../../declare/define.ts'
import { count, integerAtLeast } from '../../declare/parse.ts'
import { lossLine, migratedLines, migrationPlanLines } from './drawing.ts'

export default command({
  effect: 'destroy',
  summary: 'Revert migrations, after a rehearsal on a copy and a backup',
  description:
    'Data that only the newer schema can hold is lost from the database; the backup taken first still has it.',
  examples: ['latchkey migrate down --steps 1 --dry-run', 'latchkey migrate down --to 1 --yes'],
  options: {
    to: opt.as('version', integerAtLeast(0), 'Schema version to go back to'),
    steps: opt.as('n', count, 'How many migrations to revert (default: 1)'),
  },
  confirm: async (ctx, { to, steps }) => {
    const { migrations } = await ctx.operations()
    const plan = await migrations.plan({ direction: 'down', to, steps })
    const lost = lossLine(plan.lost)
    const question = `Revert the schema of ${plan.path} from version ${plan.from} to ${plan.to}`
    const binds = { to: plan.to, steps: undefined }
    if (lost === '') return { question: `${question}; nothing is lost`, binds }
    return { question: `${question}; this loses ${lost}`, typed: String(plan.to), binds }
  },
  run: async (ctx, { to, steps }) =>
    (await ctx.operations()).migrations.migrate({ direction: 'down', to, steps }),
  prints: one(migrated, { done: migratedLines }),
  would: migrationPlanLines,
})
