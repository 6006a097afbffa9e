import { backupPruning } from '../../../contract/views/backups.ts'
import { listing } from '../../declare/column.ts'
import type { Arguments, Input, Place } from '../../declare/declaration.ts'
import { command, opt, rows } from '../../declare/define.ts'
import { keepCount } from '../../declare/parse.ts'
import { duration } from '../../declare/times.ts'
import { pruningColumns, pruningPlan } from './drawing.ts'

const options = {
  from: opt.text('place', 'Folder or s3://bucket/prefix (default: backup_dir)'),
  keepLast: opt.as('n', keepCount, 'Keep the newest N backups, or all'),
  keepHourly: opt.as('n', keepCount, 'Keep one per hour for the last N hours'),
  keepDaily: opt.as('n', keepCount, 'Keep one per day for the last N days'),
  keepWeekly: opt.as('n', keepCount, 'Keep one per week for the last N weeks'),
  keepMonthly: opt.as('n', keepCount, 'Keep one per month for the last N months'),
  keepYearly: opt.as('n', keepCount, 'Keep one per year for the last N years'),
  keepWithin: opt.as('duration', duration, 'Keep all backups taken within this time before the newest one'),
  wait: opt.as('duration', duration, 'How long to wait for a running backup command (default: do not wait)'),
}

export default command({
  effect: 'destroy',
  summary: 'Remove backups that no retention rule keeps, and show why',
  description:
    'The rules work as in restic: for each of the last N hours, days, ISO weeks, months or years that have backups, the newest one is kept. Rules on the command line replace [backup.keep] of latchkey.toml. Some files are never removed: the newest good backup, the newest verified one, safety copies from the last 7 days, and files without a manifest.',
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
    empty: 'No backups. Take one with: latchkey backup create',
  }),
})

type Pruning = Input<Arguments, typeof options>

/** The input of the operation. */
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
