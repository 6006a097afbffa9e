import { exitCodes } from '../../../contract/errors.ts'
import { backupStatus } from '../../../contract/views/backups.ts'
import { command, one, opt } from '../../declare/define.ts'
import { duration } from '../../declare/times.ts'

export default command({
  effect: 'read',
  summary: 'Say whether there is a recent good backup, for monitoring',
  description:
    'Exits with 0 when the newest good backup is recent, with 1 when it is too old or there is none, with 7 while a backup did not pass its last verification or is dated later than now. Reads manifests only; backup verify reads the backups.',
  examples: ['latchkey backup status', 'latchkey backup status --max-age 26h --json'],
  options: {
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
    maxAge: opt.as('duration', duration, 'How old the newest may be (default: 26h)'),
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
          : [`Newest good one: ${newest.path}, taken ${brush.dated(newest.createdAt)}`]),
      ].join('\n')
    },
  }),
  exit: ({ status }) => ({ fresh: 0, stale: exitCodes.stale, failed: exitCodes.checksum })[status],
})
