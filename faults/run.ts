/**
 * `bun run faults [--count N] [--only NAME] [--skip NAME]`: does to Latchkey what machines and people do, with real
 * files and processes, and checks the result. Prints one line for each fault. Exits 1 if anything was lost.
 */
import { parseArgs } from 'node:util'
import { clock } from './clock.ts'
import { crowd } from './crowd.ts'
import { disk } from './disk.ts'
import type { Fault } from './harness.ts'
import { hostile } from './hostile.ts'
import { kill } from './kill.ts'
import { openers } from './openers.ts'
import { postgres } from './postgres.ts'
import { rot } from './rot.ts'
import { served } from './served.ts'
import { writer } from './writer.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    skip: { type: 'string' },
  },
})
const count = Number(values.count)
if (!Number.isInteger(count) || count < 1) throw new Error('--count must be a whole number of at least 1')
const chosen = [kill, served, disk, rot, crowd, writer, openers, clock, hostile, postgres]
  .flat()
  .filter(({ name }: Fault) => name.includes(values.only) && !(values.skip && name.includes(values.skip)))
const widest = Math.max(...chosen.map(fault => fault.name.length))

let lost = 0
for (const fault of chosen) {
  const started = performance.now()
  const { figures, losses } = await fault.run(count)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const verdict = losses.length === 0 ? 'nothing lost' : `${losses.length} LOST`
  console.log(`${fault.name.padEnd(widest)}  ${verdict}  ${figures} (${seconds} s)`)
  for (const loss of losses.slice(0, 5)) console.log(`  ${loss}`)
  lost += losses.length
}
console.log(
  lost === 0 ? `${chosen.length} faults, nothing lost` : `${lost} losses in ${chosen.length} faults`,
)
process.exitCode = lost === 0 && chosen.length > 0 ? 0 : 1
