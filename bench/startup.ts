/** How long a command takes to answer, compared with the start of Bun alone in the same run. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { completionRequest } from '../src/cli/line/walk.ts'
import { connectLatchkey } from '../src/index.ts'
import { programVersion } from '../src/system/version.ts'
import { temporaryFolder } from '../src/testing/folder.ts'
import { best, type Row } from './rounds.ts'

const root = join(import.meta.dir, '..')
const platform = `${process.platform}-${process.arch}`
const compiled = join(root, 'dist', `latchkey-${programVersion}-${platform}`)

export async function rows(): Promise<readonly Row[]> {
  using folder = temporaryFolder()
  const path = folder.file('latchkey.db')
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  await latchkey.keys.createMany({ name: 'ci' }, 20)
  await latchkey.close()
  chmodSync(path, 0o600)
  await run([process.execPath, 'packaging/build.ts', platform])
  const list = ['key', 'list', '--json', '--db', path]
  const times = await best(40, {
    floor: () => run([process.execPath, '-e', '1']),
    version: () => run([compiled, '--version']),
    compiled: () => run([compiled, ...list]),
    completion: () => run([compiled, completionRequest, 'key', 'show', 'ci'], { LATCHKEY_DB: path }),
    source: () => run(['bin/latchkey.ts', ...list], { PATH: join(root, 'node_modules/.bin') }),
  })
  const row = (name: string, ms: number, bound: number): Row => ({
    name,
    ratio: ms / times.floor,
    bound,
    better: 'lower',
    detail: `${ms.toFixed(1)} ms against ${times.floor.toFixed(1)} ms of bun -e 1`,
  })
  return [
    row('start: compiled --version', times.version, 2.5),
    row('start: compiled key list --json', times.compiled, 3.5),
    row('start: compiled completion of a key name', times.completion, 5),
    row('start: key list --json from source', times.source, 10),
  ]
}

async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { ...process.env, ...env },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${await child.stderr.text()}`)
}
