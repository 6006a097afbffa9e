import { LatchkeyError } from '../../../../contract/errors.ts'
import { priceImport } from '../../../../contract/views/usage.ts'
import { many } from '../../../../text/quantity.ts'
import { listing } from '../../../declare/column.ts'
import type { Context, Values } from '../../../declare/declaration.ts'
import { command, one, opt } from '../../../declare/define.ts'
import { when } from '../../../declare/times.ts'
import { changesOf, importColumns, importLines, importPlanLines } from './drawing.ts'

const options = {
  from: opt.choice(
    ['genai-prices'],
    'The list that is part of the program (default, unless --file is given)',
  ),
  file: opt.text('file', 'model_prices_and_context_window.json of LiteLLM; - is stdin'),
  at: opt.as(
    'duration|date',
    when,
    'When prices that differ start (default: now, and always for the first price of a model)',
  ),
  model: opt.text('pattern', 'Only models that match; * matches anything'),
}

export default command({
  effect: 'write',
  summary: 'Import what models cost from a price list',
  description: [
    'Takes the list of genai-prices, which is part of the program, or a file of LiteLLM. Nothing is fetched. On a terminal you see what would change and are asked first; --dry-run lists all of it.',
    'Prices that you set stay, and what they apply to keeps them. Prices by image, second, search or time of day cannot be expressed and are left out. Recorded usage keeps its cost. Names of resellers have the provider in front, as in groq/llama-3.3-70b-versatile; a request for openai/gpt-4o gets the price of gpt-4o if it has none of its own.',
  ].join('\n\n'),
  examples: [
    'latchkey usage price import --dry-run',
    'latchkey usage price import --model "claude-*" --at 2027-01-01',
    'latchkey usage price import --file model_prices_and_context_window.json --yes --json',
  ],
  options,
  asks: () => true,
  goesAheadAlone: true,
  confirm: async (ctx, typed) => {
    const { usage } = await ctx.operations()
    const changes = changesOf(await usage.prices.planImport(await asked(ctx, typed)))
    if (changes.length === 0) return undefined
    return { question: `Import ${many(changes.length, 'price')}`, list: listing(importColumns, changes) }
  },
  run: async (ctx, typed) => (await ctx.operations()).usage.prices.import(await asked(ctx, typed)),
  prints: one(priceImport, { done: importLines }),
  would: importPlanLines,
})

async function asked(ctx: Context, { from, file, at, model }: Values<typeof options>) {
  if (from !== undefined && file !== undefined) {
    throw new LatchkeyError('usage', '--from and --file name two lists', 'give one of them')
  }
  return { file: file === undefined ? undefined : await ctx.text(file), at, model }
}
