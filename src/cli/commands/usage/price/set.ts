import { changedPrice } from '../../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../../declare/define.ts'
import { dollars } from '../../../declare/parse.ts'
import { when } from '../../../declare/times.ts'
import { priceText } from '../drawing.ts'

export default command({
  effect: 'write',
  summary: 'Set what a model costs, in dollars per million tokens',
  description:
    'Usage without a cost gets the price that applied when the request was made. A price for the exact model wins over patterns, and a longer pattern over a shorter one. Recorded usage keeps its cost.',
  examples: [
    'latchkey usage price set gpt-x --input 2.50 --output 10',
    'latchkey usage price set "gpt-*" --input 1 --output 4 --from 2027-01-01',
  ],
  args: { model: arg.one('Name of the model, or a pattern; * matches anything') },
  options: {
    input: opt.required(opt.as('dollars', dollars, 'Price per million input tokens')),
    output: opt.required(opt.as('dollars', dollars, 'Price per million output tokens')),
    from: opt.as(
      'duration|date',
      when,
      'When the price starts (default: always for the first price of a model, now for later ones)',
    ),
  },
  run: async (ctx, { model, input, output, from }) =>
    (await ctx.operations()).usage.prices.set(model, { inputUsd: input, outputUsd: output, from }),
  prints: one(changedPrice, {
    done: (price, brush) => `${price.changed ? '' : 'Unchanged: '}${priceText(price, brush)}`,
  }),
  would: (price, brush) => `set a price: ${priceText(price, brush)}`,
})
