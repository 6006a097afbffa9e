import { exitCodes } from '../../../contract/errors.ts'
import { verdict } from '../../../contract/views/keys.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { amount, dollars } from '../../declare/parse.ts'
import { moment } from '../../declare/times.ts'
import { limitLines } from '../../draw/limits.ts'

/** What a code that names no key means. */
const unlike: Readonly<Record<string, string>> = {
  malformed: 'A character of the secret is missing or mistyped.',
  not_found: 'No key in this database has that secret.',
}

export default command({
  effect: 'read',
  summary: 'Say whether a secret may be used now; exits 0 or 4',
  description:
    'The secret is read from stdin or, at a terminal, asked for; it is never taken from the command line. This only looks: nothing is recorded. Codes: valid, malformed, not_found, rotated, revoked, expired, disabled, user_disabled, project_archived, model_not_allowed, insufficient_scope, limit_exceeded.',
  examples: [
    'printf %s "$secret" | latchkey key verify - --model gpt-x',
    'latchkey key verify --tokens 5000 --json < secret.txt',
    'printf %s "$secret" | latchkey key verify - --at 2026-11-20T12:00:00Z',
  ],
  args: { secret: arg.optional('-: the secret is read from stdin in any case') },
  options: {
    model: opt.text('model', 'Model that the request asks for'),
    scope: opt.text('scope', 'What the request needs to be allowed'),
    tokens: opt.as('n', amount, 'Tokens that the request will use'),
    costUsd: opt.as('dollars', dollars, 'Dollars that the request will cost'),
    at: opt.as('date', moment, 'As if it were then'),
  },
  run: async (ctx, { secret: word, model, scope, tokens, costUsd, at }) => {
    const secret = await ctx.secretArgument(word)
    const { keys } = await ctx.operations()
    return keys.verify(secret, { model, scope, at, wanted: { tokens, usd: costUsd } })
  },
  prints: one(verdict, {
    done: (verdict, brush) => {
      const who = verdict.key ? `: ${verdict.key.name} (${verdict.key.id})` : ''
      const again = verdict.retryAt ? `\nTry again at ${brush.dated(verdict.retryAt)}` : ''
      const said = verdict.valid ? brush.good(verdict.code) : brush.bad(verdict.code)
      return [`${said}${who}${again}`, ...limitLines(verdict.limits, brush)].join('\n')
    },
  }),
  notice: ({ code }) => unlike[code],
  exit: verdict => (verdict.valid ? 0 : exitCodes.denied),
})
