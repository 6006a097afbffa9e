/** The program as the pictures show it. Everything is real but the moment and what is random. */

import { streams } from '../../bin/streams.ts'
import { main } from '../../src/main.ts'
import { now } from './fixed.ts'

process.exit(
  await main(process.argv.slice(2), process.env, await streams(() => false), {
    now: () => now,
    program: ['latchkey'],
  }),
)
