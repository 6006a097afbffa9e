import { healthReport } from '../../contract/views/program.ts'
import { command, one } from '../declare/define.ts'
import { checkSettings } from '../settings/config.ts'
import { healthExit, healthLines, typable } from './db/drawing.ts'

export default command({
  effect: 'read',
  summary: 'Check everything there is to check, and say how to mend it',
  description:
    'The checks of latchkey health, with all of the file looked through, and the settings, the clock, the schedule of backups and the bytes of the newest one. Changes nothing. Exits with 0 when nothing failed, with 7 when the file or its schema is damaged, otherwise with 1.',
  examples: ['latchkey doctor', `latchkey doctor --json | jq -r '.checks[].mend | values'`],
  mendsSettings: true,
  run: async ctx =>
    typable(await (await ctx.operations()).diagnose({ settings: checkSettings(ctx.config) }), ctx.again),
  prints: one(healthReport, { done: healthLines }),
  exit: healthExit,
})
