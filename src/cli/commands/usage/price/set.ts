import { changedPrice } from '../../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../../declare/define.ts'
import { dollars } from '../../../declare/parse.ts'
import { when } from '../../../declare/times.ts'
import { priceText } from '../drawing.ts'

export default command({
  effect: 'write',
  summary: 'Set what a model costs, in dollars per million tokens',
  description:
    'Fills in the cost of usage that tells none, by the price in force when the request was made. The price of the model itself goes before that of a pattern, the longest pattern before the others. What is already recorded keeps its cost.',
  examples: [
    'latchkey usage price set gpt-x --input 2.50 --output 10',
    'latchkey usage price set "gpt-*" --input 1 --output 4 --from 2027-01-01',
  ],
  args: { model: arg.one('Name of the model, or a pattern in which * stands for anything') },
  options: {
    input: opt.required(opt.as('dollars', dollars, 'Per million tokens of requests')),
    output: opt.required(opt.as('dollars', dollars, 'Per million tokens of answers')),
    from: opt.as(
      'duration|date',
      when,
      'Since when it holds (default: always for the first price of a model, now for the next)',
    ),
  },
  run: async (ctx, { model, input, output, from }) =>
    (await ctx.operations()).usage.prices.set(model, { inputUsd: input, outputUsd: output, from }),
  prints: one(changedPrice, {
    done: (price, brush) => `${price.changed ? '' : 'Unchanged: '}${priceText(price, brush)}`,
  }),
  would: (price, brush) => `set a price: ${priceText(price, brush)}`,
})
