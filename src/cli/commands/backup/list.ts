import { listedBackup } from '../../../contract/views/backups.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { databaseOf, otherDatabases } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'List backups, newest first',
  description:
    'Lists the backups of this database: those with the same identity, taken at the same path. To restore one of another database, name it.',
  examples: [
    'latchkey backup list',
    'latchkey backup list --all-databases',
    'latchkey backup list --from s3://bucket/latchkey --json',
  ],
  options: {
    from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
    allDatabases: opt.flag('Also list backups of other databases'),
  },
  run: async (ctx, { from, allDatabases }) =>
    (await ctx.operations()).backups.list({
      from: ctx.place(from),
      allDatabases,
      onOthers: others => void ctx.notice(otherDatabases(others)),
      onBroken: ({ path, problem }) => void ctx.warn(`${path} is not listed: ${problem}`),
    }),
  prints: rows(listedBackup, {
    columns: [
      { title: 'taken', time: backup => backup.createdAt },
      { title: 'size', cell: (backup, brush) => brush.bytes(backup.sizeBytes), align: 'right' },
      { bar: backup => backup.sizeBytes },
      { title: 'reason', cell: backup => backup.reason },
      {
        title: 'verified',
        cell: (backup, brush) =>
          backup.failedAt === null
            ? brush.ago(backup.verifiedAt)
            : brush.bad(`failed ${brush.ago(backup.failedAt)}`),
        whole: true,
      },
      {
        title: 'database',
        cell: (backup, _, all) => (all.every(each => each.own) ? '' : databaseOf(backup)),
        hideEmpty: true,
      },
      { title: 'id', cell: backup => backup.id },
      { title: 'schema', cell: backup => String(backup.schemaVersion), align: 'right', wide: true },
      { title: 'path', cell: backup => backup.path, wide: true },
    ],
    empty: 'No backups. Take one with: latchkey backup create',
  }),
})
