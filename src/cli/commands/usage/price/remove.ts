import { price } from '../../../../contract/views/usage.ts'
import { many } from '../../../../text/quantity.ts'
import { arg, command, opt, rows } from '../../../declare/define.ts'
import { moment } from '../../../declare/times.ts'
import { priceColumns } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Remove prices of a model; recorded usage keeps its cost',
  examples: [
    'latchkey usage price remove gpt-x --from 2027-01-01',
    'latchkey usage price remove "gpt-*" --dry-run',
  ],
  args: { model: arg.one('Model or pattern, as set') },
  options: {
    from: opt.as('date', moment, 'Only the price from this time on (default: all prices of the model)'),
  },
  run: async (ctx, { model, from }) => (await ctx.operations()).usage.prices.remove(model, { from }),
  would: prices => `remove ${many(prices.length, 'price')}`,
  prints: rows(price, { columns: priceColumns, empty: 'No prices.' }),
  notice: prices => `Removed ${many(prices.length, 'price')}.`,
})
