/**
 * `bun run test:postgres`: runs the tests again that say of themselves that they run on PostgreSQL too, with their data
 * there. More words go to `bun test`.
 */
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')
/** Such a test has it as a line of its own. */
const saysSo = /^\/\/ Runs on PostgreSQL too\.$/m

const files: string[] = []
for await (const file of new Bun.Glob('src/**/*.test.ts').scan(root))
  if (saysSo.test(await Bun.file(join(root, file)).text())) files.push(`./${file}`)

const child = Bun.spawn(
  [process.execPath, 'test', '--parallel', '--timeout', '600000', ...files.sort(), ...Bun.argv.slice(2)],
  {
    cwd: root,
    env: { ...process.env, LATCHKEY_TEST_ENGINE: 'postgres' },
    stdio: ['inherit', 'inherit', 'inherit'],
  },
)
process.exit(await child.exited)
