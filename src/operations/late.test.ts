import { expect, test } from 'bun:test'
import { connectLatchkey } from '../index.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { LateBinding } from './late.ts'

const shop = {
  sell: async (till: { coins: number }, price: number) => {
    till.coins += price
    return till.coins
  },
  closed: 'on Sundays',
}

function lateShop() {
  const till = { coins: 0 }
  const late = new LateBinding()
  let loads = 0
  const load = async () => {
    loads += 1
    return shop
  }
  return { late, till, loads: () => loads, bound: { buy: late.from(() => till, load)(shop => shop.sell) } }
}

test('nothing is loaded before it is called, and nothing twice', async () => {
  const { bound, loads } = lateShop()
  expect(loads()).toBe(0)
  expect(await bound.buy(2)).toBe(2)
  expect(await bound.buy(3)).toBe(5)
  expect(loads()).toBe(1)
})

test('what was loaded beforehand begins at once', async () => {
  const { late, till, bound, loads } = lateShop()
  await late.loadAll()
  const bought = bound.buy(2)
  expect(till.coins).toBe(2)
  expect(await bought).toBe(2)
  expect(loads()).toBe(1)
})

test('what yields is loaded when the first is read', async () => {
  const late = new LateBinding()
  let loads = 0
  const load = async () => {
    loads += 1
    return {
      count: async function* (till: { coins: number }, from: number) {
        for (let coin = from; coin <= till.coins; coin++) yield coin
      },
    }
  }
  const count = late.from(() => ({ coins: 3 }), load).stream(m => m.count)
  const counted = count(2)
  expect(loads).toBe(0)
  expect(await Array.fromAsync(counted)).toEqual([2, 3])
  expect(await Array.fromAsync(count(3))).toEqual([3])
  expect(loads).toBe(1)
})

test('what cannot be loaded is told to whoever called, and to nobody else', async () => {
  const late = new LateBinding()
  const load = async (): Promise<typeof shop> => {
    throw new Error('the file is gone')
  }
  const buy = late.from(() => ({ coins: 0 }), load)(shop => shop.sell)
  const bought = buy(1)
  await late.settled()
  await expect(bought).rejects.toThrow('the file is gone')
})

test('closing does not overtake the first call', async () => {
  using folder = temporaryFolder()
  const path = folder.file('latchkey.db')
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  const created = latchkey.keys.create({ name: 'ci' })
  await latchkey.close()
  expect(await created).toMatchObject({ name: 'ci' })
})

test.each(['before', 'with'])(
  'closing waits for all steps of what is under way, loaded %s the call',
  async when => {
    using folder = temporaryFolder()
    const path = folder.file('latchkey.db')
    const first = connectLatchkey({ path })
    await first.initialize()
    await first.keys.create({ name: 'ci' })
    await first.close()
    const latchkey = connectLatchkey({ path })
    if (when === 'before') await latchkey.load()
    const { keys, usage } = latchkey
    const calls = [
      usage.record('ci', { inputTokens: 3 }),
      keys.list({ sort: 'name' }),
      keys.update('ci', { metadata: 1 }),
      keys.stats('ci'),
      keys.create({ name: 'other' }),
    ]
    const recorder = usage.createRecorder()
    await Promise.all([latchkey.close(), latchkey.close()])
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
    await expect((await recorder).record('key_none', {})).rejects.toThrow('the recorder is closed')
  },
)
