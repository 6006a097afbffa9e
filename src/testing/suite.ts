/**
 * `bun run test`: the tests, many files in one process, and several such processes at once. What they start as a process is
 * compiled once before, because the source takes three times as long to start. More words go to `bun test`.
 */
import { chmodSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { compileWords } from '../../packaging/compile.ts'
import { temporaryFolder } from './folder.ts'
import './memory.ts'

const root = join(import.meta.dir, '../..')
using folder = temporaryFolder()
// Some tests start it as another user.
chmodSync(folder.path, 0o755)
const program = folder.file('latchkey')
const compiled = Bun.spawnSync([...compileWords(program)], { cwd: root, stdout: 'ignore', stderr: 'inherit' })
if (!compiled.success) process.exit(1)

const child = Bun.spawn(
  [
    process.execPath,
    'test',
    // Tests wait for processes and servers half of their time.
    `--parallel=${2 * availableParallelism()}`,
    '--no-isolate',
    '--timings=src/testing/timings.json',
    '--timeout',
    '600000',
    ...Bun.argv.slice(2),
  ],
  {
    cwd: root,
    env: { ...process.env, LATCHKEY_TEST_PROGRAM: program },
    stdio: ['inherit', 'inherit', 'inherit'],
  },
)
// A terminal sends it to both, and the folder is removed once the tests have ended.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill())
process.exitCode = await child.exited
