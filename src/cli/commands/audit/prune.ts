import { prunedAudit } from '../../../contract/views/audit.ts'
import type { PrunedAudit } from '../../../contract/views.ts'
import { many } from '../../../text/quantity.ts'
import type { Context } from '../../declare/declaration.ts'
import { command, one, opt } from '../../declare/define.ts'
import { duration } from '../../declare/times.ts'

interface Pruning {
  readonly olderThan: number
  /** What was confirmed. */
  readonly before?: Date
}

const chosen = (ctx: Context, { olderThan, before }: Pruning) => ({
  before: before ?? new Date(ctx.now().getTime() - olderThan),
})

export default command({
  effect: 'destroy',
  summary: 'Remove old changes for good',
  description:
    'The changes that are left can still be verified. Take a backup or an export first: without one, nobody can say what was done. A restore of one thing no longer knows what was changed since its backup, such as that a key was revoked.',
  examples: [
    'latchkey audit prune --older-than 730d --dry-run',
    'latchkey audit prune --older-than 365d --yes',
  ],
  options: { olderThan: opt.required(opt.as('duration', duration, 'Changes made longer ago than this')) },
  confirm: async (ctx, typed) => {
    const pruning = chosen(ctx, typed)
    const plan = await (await ctx.operations()).audit.planPrune(pruning)
    if (plan.rows === 0) return undefined
    const kept = plan.backup === null ? ', which no known backup has,' : ''
    return {
      question: `Remove ${many(plan.rows, 'change')}${kept} for good`,
      typed: String(plan.rows),
      binds: pruning,
    }
  },
  run: async (ctx, typed: Pruning) => (await ctx.operations()).audit.prune(chosen(ctx, typed)),
  prints: one(prunedAudit, {
    done: gone => (gone.rows === 0 ? 'There are no changes as old as that' : `Removed ${told(gone)}`),
  }),
  would: gone => (gone.rows === 0 ? 'remove nothing' : `remove ${told(gone)}`),
})

const told = ({ rows, backup }: PrunedAudit): string =>
  `${many(rows, 'change')}; ${backup === null ? 'not in any known backup' : `still in the backup ${backup}`}`
