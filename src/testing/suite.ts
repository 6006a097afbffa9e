/**
 * `bun run test`: the tests, many files in one process, and several such processes at once. What they start as a process is
 * compiled once before, because the source takes three times as long to start. More words go to `bun test`.
 */
import { availableParallelism } from 'node:os'
import { runTests } from './runner.ts'

process.exitCode = await runTests([
  // Tests wait for processes and servers half of their time, and some for a timeout of many seconds.
  `--parallel=${3 * availableParallelism()}`,
  '--no-isolate',
  '--timings=src/testing/timings.json',
  ...Bun.argv.slice(2),
])
