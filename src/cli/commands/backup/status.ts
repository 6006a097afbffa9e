import { exitCodes } from '../../../contract/errors.ts'
import { backupStatus } from '../../../contract/views/backups.ts'
import { command, one, opt } from '../../declare/define.ts'
import { duration } from '../../declare/times.ts'

export default command({
  effect: 'read',
  summary: 'Check that there is a recent good backup, for monitoring',
  description:
    'Exits 0 if the newest good backup is recent, 1 if it is too old or missing, and 7 if a backup failed its last verification or is dated in the future. Reads only the manifests; backup verify reads the backups themselves.',
  examples: ['latchkey backup status', 'latchkey backup status --max-age 26h --json'],
  options: {
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
    maxAge: opt.as('duration', duration, 'Maximum age of the newest backup (default: 26h)'),
  },
  run: async (ctx, { from, maxAge }) =>
    (await ctx.operations()).backups.status({
      from: ctx.place(from),
      maxAgeMs: maxAge,
    }),
  prints: one(backupStatus, {
    done: (status, brush) => {
      const paint = { fresh: brush.good, stale: brush.warn, failed: brush.bad }[status.status]
      const { newest } = status
      return [
        `${paint(status.status)}${status.problem === null ? '' : `: ${status.problem}`}`,
        ...(newest === null
          ? []
          : [`Newest good backup: ${newest.path}, taken ${brush.dated(newest.createdAt)}`]),
      ].join('\n')
    },
  }),
  exit: ({ status }) => ({ fresh: 0, stale: exitCodes.stale, failed: exitCodes.checksum })[status],
})
