import { schemaState } from '../../../contract/views/database.ts'
import { command, one } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show which migrations the database has and which are pending',
  examples: ['latchkey migrate status', 'latchkey migrate status --json'],
  run: async ctx => (await ctx.operations()).migrations.state(),
  prints: one(schemaState, {
    done: (state, brush) =>
      [
        `${state.path} has schema version ${state.current}; this program has ${state.latest}`,
        ...state.migrations.map(step => {
          const paint =
            step.state === 'applied' ? brush.good : step.state === 'pending' ? brush.warn : brush.bad
          return `  ${step.version}  ${step.name}  ${paint(step.state)}${step.appliedAt ? ` ${brush.dated(step.appliedAt)}` : ''}`
        }),
      ].join('\n'),
  }),
})
