import { exitCodes } from '../../../contract/errors.ts'
import { schemaCheck } from '../../../contract/views/database.ts'
import { command, one } from '../../declare/define.ts'
import { schemaCheckLines } from '../migrate/drawing.ts'

export default command({
  effect: 'read',
  summary: 'Look for damage, orphaned rows and schema drift, as migrate check does',
  description: 'Exits 0 if nothing is found, otherwise 7.',
  examples: ['latchkey db check', 'latchkey db check --json'],
  run: async ctx => (await ctx.operations()).database.check(),
  prints: one(schemaCheck, { done: schemaCheckLines }),
  exit: check => (check.ok ? 0 : exitCodes.drift),
})
