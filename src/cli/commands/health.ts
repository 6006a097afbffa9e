import { healthReport } from '../../contract/views/program.ts'
import { command, one } from '../declare/define.ts'
import { healthExit, healthLines, typable } from './db/drawing.ts'

export default command({
  effect: 'read',
  summary: 'Check the database, its schema, its disk and its backups',
  description:
    'Exits 0 if nothing failed, 7 if the file or its schema is damaged, otherwise 1. Warnings are not failures.',
  examples: ['latchkey health', 'latchkey health --json'],
  run: async ctx => typable(await (await ctx.operations()).health(), ctx.again),
  prints: one(healthReport, { done: healthLines }),
  exit: healthExit,
})
