import { backupSchedule } from '../../../contract/views/backups.ts'
import { command, one, opt } from '../../declare/define.ts'
import { cronTimes } from '../../declare/times.ts'
import { scheduledLines, scheduledPlan } from './drawing.ts'
import { databaseWord, destinationOf } from './job.ts'

export default command({
  effect: 'write',
  summary: 'Schedule backups with cron or systemd',
  description:
    'Writes one line into your crontab, or one systemd timer, and replaces an earlier one for this database. Everything else there stays the same. The backup is tried as a dry run first. Its place and recipients become the defaults for all backups of this database. Put the credentials of a bucket in a file of mode 0600 and name it with --env-file.',
  examples: [
    "latchkey backup schedule --cron '17 3 * * *' --prune",
    "latchkey backup schedule --cron '17 3 * * *' --systemd --to s3://bucket/latchkey --env-file /etc/latchkey/aws.env",
    "latchkey backup schedule --cron '@hourly' --print",
  ],
  options: {
    cron: opt.required(
      opt.as('times', cronTimes, 'Minute, hour, day, month and weekday, or @daily, @hourly and so on'),
    ),
    crontab: opt.flag('Use your crontab (default, if there is one)'),
    systemd: opt.flag('Use a systemd timer: of the system for root, of your user otherwise'),
    print: opt.flag('Print what would be written, and write nothing'),
    to: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
    recipientsFile: opt.text('file', 'Encrypt to every age public key in this file'),
    prune: opt.flag('After each backup, remove those that the retention policy does not keep'),
    ping: opt.text('url', 'Call this URL at the start, on success and on failure'),
    log: opt.text('file', 'File for the output under cron (default: latchkey/backup.log in $XDG_STATE_HOME)'),
    envFile: opt.text('file', 'File of NAME=value lines to set as variables for the job'),
  },
  run: async (ctx, { cron, crontab, systemd, print, to, recipientsFile, prune, ping, log, envFile }) => {
    const destination = destinationOf(ctx, { to, recipientsFile })
    const recipients = destination.recipientsFile
    const { backups } = await ctx.operations()
    const job = {
      cron,
      manager: systemd ? 'systemd' : crontab ? 'crontab' : undefined,
      folder: ctx.path('.'),
      log: ctx.path(log),
      envFile: ctx.path(envFile),
      ...destination,
      command: [
        ...[...ctx.program, '--db', databaseWord(ctx), 'backup', 'create', '--to', destination.to],
        ...['--reason', 'schedule', '--wait', '10m', '--no-input', '--quiet', '-q'],
        ...(recipients === undefined ? [] : ['--recipients-file', recipients]),
        ...(prune ? ['--prune'] : []),
        ...(ping === undefined ? [] : ['--ping', ping]),
      ],
    } as const
    return print
      ? backups.planSchedule({ ...job, command: [...job.command] })
      : backups.schedule({ ...job, command: [...job.command] })
  },
  prints: one(backupSchedule, { done: scheduledLines }),
  would: (schedule, _, { print }) => (print ? undefined : scheduledPlan(schedule)),
})
