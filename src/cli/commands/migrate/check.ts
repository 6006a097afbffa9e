import { exitCodes } from '../../../contract/errors.ts'
import { schemaCheck } from '../../../contract/views/database.ts'
import { command, one } from '../../declare/define.ts'
import { schemaCheckLines } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'Look for edited migrations, schema drift, orphaned rows and damage',
  description: 'Exits 0 if nothing is found, otherwise 7.',
  examples: ['latchkey migrate check', 'latchkey migrate check --json'],
  run: async ctx => (await ctx.operations()).migrations.check(),
  prints: one(schemaCheck, { done: schemaCheckLines }),
  exit: check => (check.ok ? 0 : exitCodes.drift),
})
