import { backupSchedule } from '../../../contract/views/backups.ts'
import { command, one, opt } from '../../declare/define.ts'
import { cronTimes } from '../../declare/times.ts'
import { scheduledLines, scheduledPlan } from './drawing.ts'
import { destinationOf } from './job.ts'

export default command({
  effect: 'write',
  summary: 'Set times at which cron or systemd takes backups',
  description:
    'Writes one line into your crontab, or one timer for your systemd, in the place of an earlier one for this database. Everything else there stays as it is. The command is tried as a dry run first. Its place and recipients are from then on those of all backups of this database. Credentials for a bucket belong in a file of mode 0600 that --env-file names.',
  examples: [
    "latchkey backup schedule --cron '17 3 * * *' --prune",
    "latchkey backup schedule --cron '17 3 * * *' --systemd --to s3://bucket/latchkey --env-file /etc/latchkey/aws.env",
    "latchkey backup schedule --cron '@hourly' --print",
  ],
  options: {
    cron: opt.required(
      opt.as('times', cronTimes, 'Minute, hour, day, month, weekday; or daily, hourly and the like'),
    ),
    crontab: opt.flag('In the crontab of this user (default, where there is one)'),
    systemd: opt.flag('As a timer of the systemd of this user'),
    print: opt.flag('Show what would be written, write nothing'),
    to: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
    recipientsFile: opt.text('file', 'Encrypt to every age public key in this file'),
    prune: opt.flag('Remove what the configured policy does not keep, after each backup'),
    ping: opt.text('url', 'Tell this address of the start, of success and of failure'),
    log: opt.text('file', 'Where cron puts the output (default: latchkey/backup.log of your states)'),
    envFile: opt.text('file', 'NAME=value lines that the job gets as variables'),
  },
  run: async (ctx, { cron, crontab, systemd, print, to, recipientsFile, prune, ping, log, envFile }) => {
    const destination = destinationOf(ctx, { to, recipientsFile })
    const recipients = destination.recipientsFile
    const { backups, path } = await ctx.operations()
    const job = {
      cron,
      manager: systemd ? 'systemd' : crontab ? 'crontab' : undefined,
      folder: ctx.path('.'),
      log: ctx.path(log),
      envFile: ctx.path(envFile),
      ...destination,
      command: [
        ...[...ctx.program, '--db', path, 'backup', 'create', '--to', destination.to],
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
