import { nouns } from '../../../contract/nouns.ts'
import { recorded } from '../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { amount, dollars, integerAtLeast } from '../../declare/parse.ts'
import { moment } from '../../declare/times.ts'
import { recordedText } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Record what one request used',
  examples: [
    'latchkey usage record ci --model gpt-x --input-tokens 10 --output-tokens 2 --cost-usd 0.0004',
    'latchkey usage record ci --input-tokens 10 --at 2026-11-20T10:00:00Z --json',
    'latchkey usage record ci --usage response.json',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  options: {
    model: opt.text('model', 'Model that answered'),
    endUser: opt.text('id', 'End user that the request was for'),
    usage: opt.text(
      'file',
      'JSON that the provider returned, instead of tokens: its usage, the whole response, or a list of the chunks of a stream; - is stdin',
    ),
    inputTokens: opt.as('n', amount, 'Tokens of the request, those from and to a cache included'),
    cachedInputTokens: opt.as('n', amount, 'How many of them were read from a cache'),
    cacheWriteTokens: opt.as('n', amount, 'How many of them were written to a cache'),
    outputTokens: opt.as('n', amount, 'Tokens of the answer, those of reasoning included'),
    reasoningTokens: opt.as('n', amount, 'How many of them were reasoning'),
    otherTokens: opt.as('n', amount, 'Tokens that are not known to be input or output'),
    costUsd: opt.as(
      'dollars',
      dollars,
      'Cost in dollars, to the millionth (default: by the price of the model)',
    ),
    requests: opt.as('n', integerAtLeast(0), 'Number of requests (default: 1)'),
    at: opt.as('date', moment, 'Time of the request (default: now)'),
  },
  run: async (ctx, { key, usage, ...input }) =>
    (await ctx.operations()).usage.record(await ctx.keySelector(key), {
      ...input,
      usage: usage === undefined ? undefined : await ctx.json(usage),
    }),
  prints: one(recorded, { done: (recorded, brush) => `Recorded ${recordedText(recorded, brush)}` }),
  notice: (recorded, { endUser }) =>
    endUser !== undefined && recorded.endUser === null
      ? `Counted for ${recorded.key.name} alone: it has the most end users that it may have. See max_end_users in the settings.`
      : undefined,
  would: (recorded, brush) => `record ${recordedText(recorded, brush)}`,
})
