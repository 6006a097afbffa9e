/** The command that checks how people sign in. */
import { exitCodes } from '../../contract/errors.ts'
import { authCheck } from '../../contract/views/auth.ts'
import { many } from '../../text/quantity.ts'
import { arg, command, one } from '../declare/define.ts'
import { printableLine } from '../terminal/printable.ts'
import { sourceAt } from './import/drawing.ts'

const check = command({
  effect: 'read',
  summary: 'Find orphans, ownerless organizations and keys of banned users',
  description:
    'Checks the database of Latchkey, or with SOURCE that of an application on Better Auth: a SQLite file or a postgres:// or mysql:// URL, as for import better-auth. Finds rows whose user or organization is not there, organizations without an owner who may sign in, active keys of banned users, users who are members of one organization twice, and accounts that do not say who vouches for them. Each finding has a command or statement that mends it. Changes nothing. Exits 7 if anything is found.',
  examples: ['latchkey auth check', 'latchkey auth check auth.db --json'],
  args: {
    source: arg.optional('SQLite database or URL of a server of a Better Auth; default: Latchkey itself'),
  },
  run: async (ctx, { source }) =>
    (await ctx.operations()).auth.check(source === undefined ? undefined : { file: sourceAt(ctx, source) }),
  prints: one(authCheck, {
    done: (report, brush) =>
      [
        ...report.findings.flatMap(({ kind, table, id, problem, mend }) => [
          `${brush.bad(kind.replaceAll('_', ' '))} ${table} ${printableLine(id)}: ${printableLine(problem)}`,
          `  ${brush.dim(`mend: ${printableLine(mend)}`)}`,
        ]),
        ...(report.moreFindings === 0 ? [] : [`and ${report.moreFindings} more`]),
        `${report.ok ? brush.good('nothing found') : brush.bad(`${many(report.findings.length + report.moreFindings, 'finding')}`)} in ${many(report.users, 'user')} and ${many(report.rows, 'other row')}`,
      ].join('\n'),
  }),
  exit: ({ ok }) => (ok ? 0 : exitCodes.corrupt),
})

export default { check }
