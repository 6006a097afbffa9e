import { price } from '../../../../contract/views/usage.ts'
import { command, opt, rows } from '../../../declare/define.ts'
import { priceColumns } from './drawing.ts'

export default command({
  effect: 'read',
  summary: 'List prices of models, past and future ones included',
  examples: ['latchkey usage price list', 'latchkey usage price list --model "gpt-*" --json'],
  options: { model: opt.text('model', 'Only this model, or models that match a pattern') },
  run: async (ctx, filter) => (await ctx.operations()).usage.prices.list(filter),
  prints: rows(price, {
    columns: priceColumns,
    empty:
      'No prices. Import some with: latchkey usage price import, or set one with: latchkey usage price set MODEL --input 2.50 --output 10',
  }),
})
