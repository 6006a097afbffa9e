import { changedPrice } from '../../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../../declare/define.ts'
import { dollars } from '../../../declare/parse.ts'
import { when } from '../../../declare/times.ts'
import { priceText } from './drawing.ts'
import { tier } from './tier.ts'

export default command({
  effect: 'write',
  summary: 'Set what a model costs, in dollars per million tokens',
  description:
    'Usage without a cost gets the price that applied when the request was made. A price for the exact model wins over patterns, and a longer pattern over a shorter one; openai/gpt-x costs as gpt-x if it has no price of its own. What you set wins over what was imported, except the pattern *, which is for models without any other price. Recorded usage keeps its cost.',
  examples: [
    'latchkey usage price set gpt-x --input 2.50 --output 10',
    'latchkey usage price set "gpt-*" --input 1 --output 4 --from 2027-01-01',
    'latchkey usage price set claude-x --input 3 --cached-input 0.30 --cache-write 3.75 --output 15 --over 200k:input=6,output=22.50',
  ],
  args: { model: arg.fresh('Name of the model, or a pattern; * matches anything') },
  options: {
    input: opt.required(opt.as('dollars', dollars, 'Price per million input tokens')),
    cachedInput: opt.as(
      'dollars',
      dollars,
      'Price per million input tokens read from a cache (default: as other input)',
    ),
    cacheWrite: opt.as(
      'dollars',
      dollars,
      'Price per million input tokens written to a cache (default: as other input)',
    ),
    output: opt.required(opt.as('dollars', dollars, 'Price per million output tokens')),
    over: opt.many(
      'n:prices',
      tier,
      'Prices of all tokens of a request with more input tokens, such as 200k:input=6,output=22.50; cached-input= and cache-write= may follow (repeatable)',
    ),
    from: opt.as(
      'duration|date',
      when,
      'When the price starts (default: always for the first price of a model, now for later ones)',
    ),
  },
  run: async (ctx, { model, input, cachedInput, cacheWrite, output, over, from }) =>
    (await ctx.operations()).usage.prices.set(model, {
      inputUsd: input,
      cachedInputUsd: cachedInput,
      cacheWriteUsd: cacheWrite,
      outputUsd: output,
      tiers: over,
      from,
    }),
  prints: one(changedPrice, {
    done: (price, brush) => `${price.changed ? '' : 'Unchanged: '}${priceText(price, brush)}`,
  }),
  would: (price, brush) => `set a price: ${priceText(price, brush)}`,
})
