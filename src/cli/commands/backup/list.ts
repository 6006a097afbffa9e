import { backup } from '../../../contract/views.ts'
import { command, opt } from '../../define.ts'

export default command({
  name: 'list',
  effect: 'read',
  summary: 'List backups, newest first',
  examples: ['latchkey backup list', 'latchkey backup list --from s3://bucket/latchkey --json'],
  options: {
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
  },
  run: async (ctx, { from }) =>
    (await ctx.operations()).backups.list({
      from: from === undefined ? undefined : ctx.path(from),
      onBroken: ({ path, problem }) => void ctx.notice(`latchkey: ${path} is not listed: ${problem}`),
    }),
  rows: backup,
  columns: [
    { title: 'taken', cell: (backup, brush) => brush.time(backup.createdAt) },
    {
      title: 'age',
      cell: (backup, brush) => brush.duration(roughly(brush.now.getTime() - backup.createdAt.getTime())),
      align: 'right',
    },
    { title: 'size', cell: (backup, brush) => brush.bytes(backup.sizeBytes), align: 'right' },
    { title: 'reason', cell: backup => backup.reason },
    { title: 'schema', cell: backup => String(backup.schemaVersion), align: 'right' },
    {
      title: 'verified',
      cell: (backup, brush) =>
        backup.failedAt === null
          ? brush.time(backup.verifiedAt)
          : brush.bad(`failed ${brush.time(backup.failedAt)}`),
    },
    { title: 'id', cell: backup => backup.id },
    { title: 'path', cell: backup => backup.path, wide: true },
  ],
  empty: 'No backups here. Take one with: latchkey backup create',
})

/** Days, below that hours, below that minutes: the rest is no news. */
function roughly(ms: number): number {
  const unit = [86_400_000, 3_600_000, 60_000].find(each => ms >= 2 * each) ?? 1_000
  return Math.max(0, Math.floor(ms / unit) * unit)
}
