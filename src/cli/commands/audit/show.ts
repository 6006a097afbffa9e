import { auditEntry } from '../../../contract/views/audit.ts'
import { arg, command, one } from '../../declare/define.ts'
import { auditLines } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'Show one change: who made it and what it changed',
  examples: ['latchkey audit show aud_01kaqv8w2e', 'latchkey audit show aud_01kaqv8w2e --json'],
  args: { change: arg.one('Id of the change, or its first characters; audit list -o wide shows them') },
  run: async (ctx, { change }) => (await ctx.operations()).audit.get(change),
  prints: one(auditEntry, { done: auditLines }),
})
