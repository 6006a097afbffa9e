import { databaseInfo } from '../../../contract/views/database.ts'
import { command, one } from '../../declare/define.ts'

export default command({
  effect: 'read',
  summary: 'Show the size of the database, its pages, versions and rows per table',
  examples: ['latchkey db info', 'latchkey db info --json'],
  run: async ctx => (await ctx.operations()).database.info(),
  prints: one(databaseInfo),
})
