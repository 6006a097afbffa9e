import { expect, test } from 'bun:test'
import { counterNames } from '../../db/facts.ts'
import { chances } from '../../testing/chance.ts'
import { Aggregate, rowWidth } from './aggregate.ts'
import { merged } from './merge.ts'
import { Spool } from './spool.ts'

test('runs of sums, in memory and in a file, are merged in order, and each bucket comes once', () => {
  const { whole } = chances(7)
  for (const [runs, sums, atOnce] of [
    [0, 0, 4],
    [1, 1, 1],
    [3, 20, 7],
    [40, 300, 256],
    [5, 5_000, 2_048],
  ] as const) {
    using spool = new Spool(rowWidth)
    const expected = new Map<string, number>()
    for (let run = 0; run < runs; run++) {
      const sum = new Aggregate()
      for (let n = 0; n < sums; n++) {
        const [pair, minute, amount] = [whole(0, 30), whole(0, 3_000), whole(1, 9)]
        sum.add(pair, minute, new Float64Array(counterNames.length).fill(amount), 0)
        const name = `${pair} ${minute}`
        expected.set(name, amount + (expected.get(name) ?? 0))
      }
      spool.append(sum.drain())
    }
    let last = -1
    let wrong = 0
    for (const rows of merged(spool, atOnce)) {
      for (let at = 0; at < rows.length; at += rowWidth) {
        const [pair = 0, minute = 0] = rows.subarray(at, at + 2)
        const name = `${pair} ${minute}`
        const isSame = rows.subarray(at + 2, at + rowWidth).every(amount => amount === expected.get(name))
        if (pair * 10_000 + minute <= last || rows.length > atOnce * rowWidth || !isSame) wrong++
        last = pair * 10_000 + minute
        expected.delete(name)
      }
    }
    expect({ wrong, left: expected.size }).toEqual({ wrong: 0, left: 0 })
  }
})
