import { healthReport } from '../../contract/views/program.ts'
import { command, one } from '../declare/define.ts'
import { checkSettings } from '../settings/config.ts'
import { healthExit, healthLines, typable } from './db/drawing.ts'

export default command({
  effect: 'read',
  summary: 'Check everything, and show how to fix what is wrong',
  description:
    'Runs the checks of latchkey health on the whole file, and checks the whole audit log, the settings, the clock, the backup schedule and the content of the newest backup. Changes nothing. Exits 0 if nothing failed, 7 if the file or its schema is damaged, otherwise 1.',
  examples: ['latchkey doctor', `latchkey doctor --json | jq -r '.checks[].mend | values'`],
  mendsSettings: true,
  run: async ctx =>
    typable(await (await ctx.operations()).diagnose({ settings: checkSettings(ctx.config) }), ctx.again),
  prints: one(healthReport, { done: healthLines }),
  exit: healthExit,
})
