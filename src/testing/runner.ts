/** Runs `bun test` with what many tests need, made once: the program compiled, and a PostgreSQL cluster to copy. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { compileWords } from '../../packaging/compile.ts'
import { temporaryFolder } from './folder.ts'
import './memory.ts'
import { makeCluster, whyNoServer } from './postgres-cluster.ts'

const root = join(import.meta.dir, '../..')

/** @returns its exit code */
export async function runTests(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  using folder = temporaryFolder()
  // Some tests start the program as another user.
  chmodSync(folder.path, 0o755)
  const program = folder.file('latchkey')
  const compiling = Bun.spawn([...compileWords(program)], { cwd: root, stdout: 'ignore', stderr: 'inherit' })
  const cluster = whyNoServer() === null ? folder.file('cluster') : undefined
  if (cluster !== undefined) makeCluster(cluster)
  if ((await compiling.exited) !== 0) return 1
  const child = Bun.spawn([process.execPath, 'test', '--timeout', '600000', ...words], {
    cwd: root,
    env: {
      ...process.env,
      ...frugal,
      ...env,
      LATCHKEY_TEST_PROGRAM: program,
      ...(cluster && { LATCHKEY_TEST_CLUSTER: cluster }),
    },
    stdio: ['inherit', 'inherit', 'inherit'],
  })
  // A terminal sends it to both, and the folder is removed once the tests have ended.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill())
  return await child.exited
}

/**
 * Saves a seventh of the processor time: memory that was freed is not given back to be asked for again, and code that is soon
 * done is not compiled with the optimizations that take longest.
 */
const frugal = { MIMALLOC_PURGE_DELAY: '-1', BUN_JSC_useFTLJIT: '0' }
