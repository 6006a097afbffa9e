import { backupSchedule } from '../../../contract/views/backups.ts'
import { many } from '../../../text/quantity.ts'
import { command, opt, rows } from '../../declare/define.ts'

export default command({
  effect: 'write',
  summary: 'Remove the entry that backup schedule created',
  description:
    'Removes only the entry that Latchkey marked for this database. Everything else stays the same.',
  examples: ['latchkey backup unschedule', 'latchkey backup unschedule --systemd --dry-run'],
  options: {
    crontab: opt.flag('Only from your crontab'),
    systemd: opt.flag('Only from systemd of your user'),
  },
  run: async (ctx, { crontab, systemd }) =>
    (await ctx.operations()).backups.unschedule({
      manager: crontab === systemd ? undefined : systemd ? 'systemd' : 'crontab',
    }),
  would: rows => `remove ${many(rows.length, 'entry', 'entries')}`,
  prints: rows(backupSchedule, {
    columns: [
      { title: 'taken from', cell: row => row.manager },
      { title: 'entry', cell: row => row.entries.map(entry => entry.path ?? entry.content).join(', ') },
    ],
    empty: 'There is no entry for this database.',
  }),
})
