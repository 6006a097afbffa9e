import { nouns } from '../../../contract/nouns.ts'
import { recorded } from '../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { amount, dollars, integerAtLeast } from '../../declare/parse.ts'
import { moment } from '../../declare/times.ts'

export default command({
  effect: 'write',
  summary: 'Record what one request used',
  examples: [
    'latchkey usage record ci --model gpt-x --input-tokens 10 --output-tokens 2 --cost-usd 0.0004',
    'latchkey usage record ci --input-tokens 10 --at 2026-11-20T10:00:00Z --json',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  options: {
    model: opt.text('model', 'Model that answered'),
    endUser: opt.text('id', 'End user that the request was for'),
    inputTokens: opt.as('n', amount, 'Tokens of the request'),
    outputTokens: opt.as('n', amount, 'Tokens of the answer'),
    costUsd: opt.as('dollars', dollars, 'Cost in dollars, to the millionth'),
    requests: opt.as('n', integerAtLeast(0), 'Number of requests (default: 1)'),
    at: opt.as('date', moment, 'Time of the request (default: now)'),
  },
  run: async (ctx, { key, ...input }) =>
    (await ctx.operations()).usage.record(await ctx.keySelector(key), input),
  prints: one(recorded, {
    done: (recorded, brush) =>
      `Recorded ${brush.count(recorded.inputTokens + recorded.outputTokens)} tokens and ${brush.dollars(recorded.costUsd)} for ${recorded.key.name}`,
  }),
  notice: (recorded, { endUser }) =>
    endUser !== undefined && recorded.endUser === null
      ? `Counted for ${recorded.key.name} alone: it has the most end users that it may have. See max_end_users in the settings.`
      : undefined,
  would: (recorded, brush) =>
    `record ${brush.count(recorded.inputTokens + recorded.outputTokens)} tokens and ${brush.dollars(recorded.costUsd)} for ${recorded.key.name}`,
})
