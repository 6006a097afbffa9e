import { exitCodes } from '../../../contract/errors.ts'
import { usageCheck } from '../../../contract/views/usage.ts'
import { many } from '../../../text/quantity.ts'
import { command, one, opt } from '../../declare/define.ts'
import { usageCheckLines } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Compare the totals of every key with its recorded usage; exits 0 or 7',
  description:
    'Latchkey updates both in one transaction, so a difference means that another program wrote to the database. With --repair the totals are set to the recorded usage, and each change is in the audit log.',
  examples: ['latchkey usage check', 'latchkey usage check --repair --json'],
  options: { repair: opt.flag('Set differing totals to the recorded usage') },
  run: async (ctx, options) => (await ctx.operations()).usage.check(options),
  prints: one(usageCheck, { done: usageCheckLines }),
  would: check =>
    check.repaired
      ? `fix the totals of ${many(check.differences.length, 'key')}: ${check.differences.map(({ key }) => key.name).join(', ')}`
      : undefined,
  exit: check => (check.ok ? 0 : exitCodes.corrupt),
})
