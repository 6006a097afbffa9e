/**
 * Fails a test file that leaves its process changed: `bun run test` runs many files in one, because loading and compiling
 * the program again for each is a quarter of the work. `bunfig.toml` loads this before the first.
 */
import { afterAll, beforeAll } from 'bun:test'

let before: Readonly<Record<string, string | undefined>> = {}

beforeAll(() => {
  before = state()
})
// Runs after those of the file.
afterAll(() => {
  const after = state()
  // The values may be secret.
  const changed = Object.keys({ ...before, ...after }).filter(name => before[name] !== after[name])
  if (changed.length > 0) throw new Error(`this file leaves behind for the next: ${changed.join(', ')}`)
})

const state = (): Readonly<Record<string, string | undefined>> => ({
  ...process.env,
  'the current folder': process.cwd(),
  'the umask': String(process.umask()),
})
