import type { Mutation } from './mutation.ts'

/** Mistakes in what is charged. */
export const money: readonly Mutation[] = [
  {
    what: 'costs are rounded to the nearest micro-dollar: many small ones come to nothing',
    file: 'src/operations/rules/money.ts',
    text: '  Math.ceil(Number((dollars * microsPerDollar).toFixed(3)))',
    instead: '  Math.round(Number((dollars * microsPerDollar).toFixed(3)))',
    tests: ['src/operations/rules/money.test.ts'],
  },
  {
    what: 'costs are rounded down',
    file: 'src/operations/rules/money.ts',
    text: '  Math.ceil(Number((dollars * microsPerDollar).toFixed(3)))',
    instead: '  Math.floor(Number((dollars * microsPerDollar).toFixed(3)))',
    tests: ['src/operations/rules/money.test.ts'],
  },
  {
    what: 'a cost of 0.000123 dollars is one micro-dollar more, as the product of binary fractions is',
    file: 'src/operations/rules/money.ts',
    text: 'Number((dollars * microsPerDollar).toFixed(3))',
    instead: 'dollars * microsPerDollar',
    tests: ['src/operations/rules/money.test.ts'],
  },
  {
    what: 'costs by price are rounded down',
    file: 'src/operations/usage/prices.ts',
    text: 'return Math.round(micros',
    instead: 'return Math.floor(micros',
    tests: ['src/operations/usage/prices.test.ts'],
  },
  {
    what: 'costs by price are rounded up',
    file: 'src/operations/usage/prices.ts',
    text: 'return Math.round(micros',
    instead: 'return Math.ceil(micros',
    tests: ['src/operations/usage/prices.test.ts'],
  },
  {
    what: 'a price does not hold yet at the moment it begins',
    file: 'src/operations/usage/prices.ts',
    text: 'row.startsAt <= at && (',
    instead: 'row.startsAt < at && (',
    tests: ['src/operations/usage/prices.test.ts'],
  },
  {
    what: 'a short pattern of models goes before a long one',
    file: 'src/operations/usage/prices.ts',
    text: 'literals(b) - literals(a) ||',
    instead: 'literals(a) - literals(b) ||',
    tests: ['src/operations/usage/prices.test.ts'],
  },
  {
    what: 'a record is given the prices of before a change',
    file: 'src/db/sqlite/facts.ts',
    text: '    if (this.#askedForPrices && this.#prices) this.#prices',
    instead: '    if (this.#prices) this.#prices',
    tests: ['src/operations/usage/prices.test.ts'],
  },
  {
    what: 'the price of the model goes before the cost that was told',
    file: 'src/operations/usage/ingest.ts',
    text: 'event.isPriced ? event.counts : withCost(',
    instead:
      'event.isPriced && prices.costOf(model, at, event.counts) === undefined ? event.counts : withCost(',
    tests: ['src/operations/usage/ingest.test.ts', 'src/operations/usage/prices.test.ts'],
  },
  {
    what: 'a total leaves out the tokens that came without a split',
    file: 'src/db/facts.ts',
    text: '  counts.inputTokens + counts.outputTokens + counts.otherTokens',
    instead: '  counts.inputTokens + counts.outputTokens',
    tests: ['src/operations/usage/overview.test.ts', 'src/operations/usage/report.test.ts'],
  },
]
