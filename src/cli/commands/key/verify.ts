import { exitCodes } from '../../../contract/errors.ts'
import { verdict } from '../../../contract/views/keys.ts'
import type { LimitState } from '../../../contract/views.ts'
import { arg, command, one } from '../../declare/define.ts'
import { hitLines, limitLines } from '../../draw/limits.ts'
import { request, requestOptions } from './request.ts'

/** What each code means when no key is known. */
const unlike: Readonly<Record<string, string>> = {
  malformed: 'The secret is incomplete or mistyped.',
  not_found: 'No key in this database has that secret.',
}

const isParallel = ({ metric }: LimitState): boolean => metric === 'parallel'

const unheld =
  'A limit on parallel requests counts reservations: whoever only verifies can exceed it. Reserve before each request, and settle after it.'

export default command({
  effect: 'read',
  summary: 'Check whether a secret may be used now; exits 0 or 4',
  description:
    'Reads the secret from stdin or, on a terminal, asks for it; never takes it from the command line. Records nothing. Codes: valid, malformed, not_found, rotated, revoked, expired, disabled, user_disabled, project_archived, model_not_allowed, insufficient_scope, model_unpriced (only with the setting unpriced), too_many_end_users, limit_exceeded.',
  examples: [
    'printf %s "$secret" | latchkey key verify - --model gpt-x',
    'latchkey key verify --tokens 5000 --json < secret.txt',
    'printf %s "$secret" | latchkey key verify - --at 2026-11-20T12:00:00Z',
  ],
  args: { secret: arg.optional('Only -; the secret is always read from stdin') },
  options: requestOptions,
  run: async (ctx, { secret: word, ...asked }) => {
    const secret = await ctx.secretArgument(word)
    const { keys } = await ctx.operations()
    return keys.verify(secret, request(asked))
  },
  prints: one(verdict, {
    done: (verdict, brush) => {
      const who = verdict.key ? `: ${verdict.key.name} (${verdict.key.id})` : ''
      const again = verdict.retryAt ? `\nTry again at ${brush.dated(verdict.retryAt)}` : ''
      const said = verdict.valid ? brush.good(verdict.code) : brush.bad(verdict.code)
      return [
        `${said}${who}${again}`,
        ...hitLines(verdict.code, verdict.limits, brush),
        ...limitLines(verdict.limits, brush),
      ].join('\n')
    },
  }),
  notice: ({ code, limits }) => unlike[code] ?? (limits.some(isParallel) ? unheld : undefined),
  exit: verdict => (verdict.valid ? 0 : exitCodes.denied),
})
