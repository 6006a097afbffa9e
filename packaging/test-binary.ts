/** `bun run test:binary`: the tests that drive whole programs, on the one compiled for this machine. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { programVersion } from '../src/system/version.ts'

const root = join(import.meta.dir, '..')
const platform = `${process.platform}-${process.arch}`

async function run(words: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = Bun.spawn([process.execPath, ...words], {
    cwd: root,
    env: { ...process.env, ...env },
    stdout: 'inherit',
    stderr: 'inherit',
  })
  const code = await child.exited
  if (code !== 0) process.exit(code)
}

await run(['packaging/build.ts', platform])
const program = join(root, 'dist', `latchkey-${programVersion}-${platform}`)
const tests = [
  'src/acceptance',
  'src/failures.test.ts',
  'src/signals.test.ts',
  'src/binary.test.ts',
  'src/cli/completion/scripts.test.ts',
  'src/cli/ask/questions.test.ts',
  'src/cli/commands/db/serve-studio.test.ts',
  'src/server/serve.test.ts',
  'src/server/listen.test.ts',
]
const gone = tests.filter(file => !existsSync(join(root, file)))
if (gone.length > 0) {
  // Bun would run the others and say nothing.
  console.error(`there is no ${gone.join(', ')}`)
  process.exit(1)
}
await run(['test', '--parallel', '--timeout', '600000', ...tests], { LATCHKEY_PROGRAM: program })
