import { price } from '../../../../contract/views/usage.ts'
import { command, opt, rows } from '../../../declare/define.ts'
import { priceColumns } from '../drawing.ts'

export default command({
  effect: 'read',
  summary: 'List what models cost, past and future prices included',
  examples: ['latchkey usage price list', 'latchkey usage price list --model gpt-x --json'],
  options: { model: opt.text('model', 'Only this model or pattern, as it was set') },
  run: async (ctx, filter) => (await ctx.operations()).usage.prices.list(filter),
  prints: rows(price, {
    columns: priceColumns,
    empty: 'No prices. Set one with: latchkey usage price set MODEL --input 2.50 --output 10',
  }),
})
