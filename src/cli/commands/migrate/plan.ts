import { migrationPlan } from '../../../contract/views/database.ts'
import { command, one, opt } from '../../declare/define.ts'
import { count, integerAtLeast } from '../../declare/parse.ts'
import { lossLine } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'Print the SQL that a migration would run, and what would be lost',
  description: 'Plans to the latest version, or to the one you give, which may be older. Changes nothing.',
  examples: ['latchkey migrate plan', 'latchkey migrate plan --to 1', 'latchkey migrate plan --json'],
  options: {
    to: opt.as('version', integerAtLeast(0), 'Schema version to end at (default: the latest)'),
    steps: opt.as('n', count, 'How many migrations to apply, instead of --to'),
  },
  run: async (ctx, { to, steps }) => (await ctx.operations()).migrations.plan({ to, steps }),
  prints: one(migrationPlan, {
    done: plan =>
      [
        plan.steps.length === 0
          ? `-- ${plan.path} has schema version ${plan.to}: nothing to run`
          : `-- ${plan.path}: schema version ${plan.from} to ${plan.to}, in one transaction`,
        ...(Object.keys(plan.lost).length === 0 ? [] : [`-- Would lose ${lossLine(plan.lost)}`]),
        ...plan.steps.map(step => `\n-- ${step.name}, ${step.direction}\n${step.sql}`),
      ].join('\n'),
  }),
})
