import { backupSchedule } from '../../../contract/views/backups.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { many } from '../../draw/quantity.ts'

export default command({
  effect: 'write',
  summary: 'Take away the entry that backup schedule made',
  description: 'Only the one for this database that carries our mark; everything else stays as it is.',
  examples: ['latchkey backup unschedule', 'latchkey backup unschedule --systemd --dry-run'],
  options: {
    crontab: opt.flag('Only from the crontab of this user'),
    systemd: opt.flag('Only from the systemd of this user'),
  },
  run: async (ctx, { crontab, systemd }) =>
    (await ctx.operations()).backups.unschedule({
      manager: crontab === systemd ? undefined : systemd ? 'systemd' : 'crontab',
    }),
  would: rows => `take away ${many(rows.length, 'entry', 'entries')}`,
  prints: rows(backupSchedule, {
    columns: [
      { title: 'taken from', cell: row => row.manager },
      { title: 'entry', cell: row => row.entries.map(entry => entry.path ?? entry.content).join(', ') },
    ],
    empty: 'There was no entry for this database.',
  }),
})
