import { backupPruning } from '../../../contract/views/backups.ts'
import { listing } from '../../declare/column.ts'
import type { Arguments, Input, Place } from '../../declare/declaration.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { keepCount } from '../../declare/parse.ts'
import { duration } from '../../declare/times.ts'
import { pruningColumns, pruningPlan } from './drawing.ts'

const options = {
  from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir of the configuration)'),
  keepLast: opt.as('n', keepCount, 'Keep the newest so many; all is a number, too'),
  keepHourly: opt.as('n', keepCount, 'Keep one for each of so many hours'),
  keepDaily: opt.as('n', keepCount, 'Keep one for each of so many days'),
  keepWeekly: opt.as('n', keepCount, 'Keep one for each of so many weeks'),
  keepMonthly: opt.as('n', keepCount, 'Keep one for each of so many months'),
  keepYearly: opt.as('n', keepCount, 'Keep one for each of so many years'),
  keepWithin: opt.as('duration', duration, 'Keep all that are not older than this before the newest'),
  wait: opt.as('duration', duration, 'How long to wait for another run to end (default: not at all)'),
}

export default command({
  effect: 'destroy',
  summary: 'Remove the backups that no rule keeps, and say why',
  description:
    'The rules are those of restic: of so many hours, days, ISO weeks, months and years that have backups, the newest one each. Given rules take the place of [backup.keep] in latchkey.toml. Never removed are the newest good and the newest verified backup, what restore and migrate saved within 7 days, and files without a manifest.',
  examples: [
    'latchkey backup prune --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --dry-run',
    'latchkey backup prune --from /var/backups/latchkey --keep-last 7 --keep-within 30d --yes',
  ],
  options,
  confirm: async (ctx, input) => {
    const plan = await (await ctx.operations()).backups.planPrune(pruning(ctx, input))
    const removed = plan.filter(({ outcome }) => outcome === 'removed')
    if (removed.length === 0) return undefined
    return {
      list: listing(pruningColumns, removed),
      question: `Remove ${removed.length} of ${plan.length} backups for good`,
      typed: String(removed.length),
      binds: { only: removed.map(({ id }) => id) },
    }
  },
  run: async (ctx, { only, ...input }: Pruning & { readonly only?: readonly string[] }) =>
    (await ctx.operations()).backups.prune({ ...pruning(ctx, input), only: only && [...only] }),
  would: pruningPlan,
  prints: rows(backupPruning, {
    columns: pruningColumns,
    empty: 'No backups here. Take one with: latchkey backup create',
  }),
})

type Pruning = Input<Arguments, typeof options>

/** The operation's input from the command's. */
function pruning(ctx: Place, { from, wait, ...keep }: Pruning) {
  return {
    from: ctx.place(from),
    keep: {
      last: keep.keepLast,
      hourly: keep.keepHourly,
      daily: keep.keepDaily,
      weekly: keep.keepWeekly,
      monthly: keep.keepMonthly,
      yearly: keep.keepYearly,
      withinMs: keep.keepWithin,
    },
    timeZone: ctx.config.timeZone,
    waitMs: wait,
  }
}
