import { exitCodes } from '../../contract/errors.ts'
import { demoReport } from '../../contract/views/program.ts'
import { command, one } from '../declare/define.ts'
import { transcript, tutorial } from './demo/tutorial.ts'

export default command({
  effect: 'read',
  summary: 'Show all of Latchkey on a temporary database',
  description:
    'Creates users, a project, keys and usage, takes a backup, deletes the database, restores it and checks that nothing is missing. Shows each command as you would type it. Your own database is not touched.',
  examples: ['latchkey demo', 'latchkey demo --json'],
  run: async ctx => tutorial(ctx.invoke, ctx.now()),
  prints: one(demoReport, { done: transcript }),
  exit: report => (report.ok ? 0 : exitCodes.unexpected),
})
