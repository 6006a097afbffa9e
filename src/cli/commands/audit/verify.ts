import { exitCodes } from '../../../contract/errors.ts'
import { auditCheck } from '../../../contract/views/audit.ts'
import { command, one, opt } from '../../declare/define.ts'
import { auditCheckLines } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'Find changes that were edited, removed, inserted or swapped',
  description:
    'Follows the chain of the audit log from its first row to its last. The chain alone cannot show whether its newest rows were cut off: a backup from before that can. Exits 0 if nothing is found, otherwise 7. After a restore the log is an older one: --against says so, and that is not a problem.',
  examples: [
    'latchkey audit verify',
    'latchkey audit verify --against latest',
    'latchkey audit verify --against bak_01kaqv8w2e --from /var/backups/latchkey --json',
  ],
  options: {
    against: opt.text('backup', 'Compare with this backup: its id, its file, or latest'),
    from: opt.text('place', 'Folder or s3://bucket/prefix of that backup (default: backup_dir)'),
  },
  run: async (ctx, { against, from }) =>
    (await ctx.operations()).audit.verify({ against, from: ctx.place(from) }),
  prints: one(auditCheck, { done: auditCheckLines }),
  exit: check => (check.ok ? 0 : exitCodes.corrupt),
})
