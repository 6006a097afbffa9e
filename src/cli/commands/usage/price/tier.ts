/** How a price for long requests is typed. */
import { amount, dollars } from '../../../declare/parse.ts'
import { type Parse, quote, refuse } from '../../../declare/parser.ts'

const hint = 'write 200k:input=6,output=22.50; cached-input= and cache-write= may follow'

interface Tier {
  readonly overTokens: number
  readonly inputUsd: number
  readonly cachedInputUsd: number | undefined
  readonly cacheWriteUsd: number | undefined
  readonly outputUsd: number
}

/** `200k:input=6,output=22.50,cached-input=0.60,cache-write=7.50` */
export const tier: Parse<Tier> = (raw, context) => {
  const [, over, classes] = /^([^:]*):(.*)$/.exec(raw) ?? []
  if (over === undefined || classes === undefined)
    throw refuse(`${quote(raw)} is not a price of long requests`, hint)
  const rates = new Map<string, number>()
  for (const part of classes.split(',')) {
    const [, name = '', price = ''] = /^([^=]*)=(.*)$/.exec(part) ?? []
    if (!names.has(name) || rates.has(name))
      throw refuse(`${quote(part)} is not a price of long requests`, hint)
    rates.set(name, dollars(price, context))
  }
  const [inputUsd, outputUsd] = [rates.get('input'), rates.get('output')]
  if (inputUsd === undefined || outputUsd === undefined) {
    throw refuse(`${quote(raw)} lacks ${inputUsd === undefined ? 'input' : 'output'}`, hint)
  }
  return {
    overTokens: amount(over, context),
    inputUsd,
    cachedInputUsd: rates.get('cached-input'),
    cacheWriteUsd: rates.get('cache-write'),
    outputUsd,
  }
}

const names = new Set(['input', 'output', 'cached-input', 'cache-write'])
