import { healthReport } from '../../contract/views/program.ts'
import { command, one } from '../declare/define.ts'
import { healthExit, healthLines, typable } from './db/drawing.ts'

export default command({
  effect: 'read',
  summary: 'Check the database, its schema, its disk and its backups',
  description:
    'Exits with 0 when nothing failed, with 7 when the file or its schema is damaged, otherwise with 1. Warnings do not fail.',
  examples: ['latchkey health', 'latchkey health --json'],
  run: async ctx => typable(await (await ctx.operations()).health(), ctx.again),
  prints: one(healthReport, { done: healthLines }),
  exit: healthExit,
})
