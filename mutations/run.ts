/**
 * `bun run mutate [--seconds N] [--seed N] [--only TEXT] [--at-once N]`: makes one mistake at a time in a copy of the
 * project and runs the tests that must notice. Exits 1 if a mistake survives, or if the text to change is not in the
 * file exactly once. Then adapt the list to the code.
 *
 * With `--seconds`, no mistake is begun after that time. The list then begins at another place each day, or at that of
 * `--seed`.
 */
import { cpSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { temporaryFolder } from '../src/testing/folder.ts'
import { whyNoServer } from '../src/testing/postgres-cluster.ts'
import { inCi } from '../src/testing/tools.ts'
import { runInGroup } from './group.ts'
import { mutations } from './list.ts'
import type { Mutation } from './mutation.ts'

const root = join(import.meta.dir, '..')
/** Tests that take longer have noticed: they hang. */
const longestMs = 15 * 60_000

interface Outcome {
  readonly mutation: Mutation
  readonly killed: boolean
  readonly seconds: number
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    'at-once': { type: 'string', default: '2' },
  },
})
const stale = mutations.flatMap(problemsOf)
if (stale.length > 0) {
  console.error(stale.join('\n'))
  console.error('the code has changed: correct these in mutations/, none was tried')
  process.exit(1)
}

const named = mutations.filter(({ what, file }) => `${file}: ${what}`.includes(values.only))
const noServer = whyNoServer()
const chosen = named.filter(({ engine }) => noServer === null || engine !== 'postgres')
if (chosen.length < named.length) {
  console.log(`${named.length - chosen.length} mutations on PostgreSQL are not tried: ${noServer}`)
  if (inCi) process.exit(1)
}
const seed = values.seconds === undefined ? 0 : Number(values.seed ?? Math.floor(Date.now() / 86_400_000))
// Far from yesterday's place, so that a few days cover the whole list.
const first = chosen.length === 0 ? 0 : (seed * 37) % chosen.length
const queue = [...chosen.slice(first), ...chosen.slice(0, first)]
const deadline = performance.now() + Number(values.seconds ?? Number.POSITIVE_INFINITY) * 1_000
if (values.seconds !== undefined) {
  console.log(
    `From mutation ${first + 1} of ${chosen.length}, for ${values.seconds} s; again with --seed ${seed}`,
  )
}

// Exiting ends running tests.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const outcomes: Outcome[] = []
await Promise.all(Array.from({ length: Number(values['at-once']) }, work))
const survivors = outcomes.filter(({ killed }) => !killed)
console.log(`${outcomes.length} of ${chosen.length} mutations tried, ${survivors.length} survived`)
for (const { mutation } of survivors) console.log(`  ${mutation.file}: ${mutation.what}`)
process.exitCode = survivors.length === 0 && outcomes.length > 0 ? 0 : 1

/** Why a mutation cannot be made. */
function problemsOf({ what, file, text, instead, tests }: Mutation): readonly string[] {
  const content = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
  const found = content.split(text).length - 1
  const missing = tests.filter(test => !existsSync(join(root, test)))
  return [
    ...(found === 1 ? [] : [`${file}: the text of "${what}" is there ${found} times, not once`]),
    ...(text === instead ? [`${file}: "${what}" changes nothing`] : []),
    ...missing.map(test => `there is no ${test}, which must notice "${what}"`),
  ]
}

/** Takes mutations from the queue, and makes them in its own copy. */
async function work(): Promise<void> {
  using folder = temporaryFolder()
  const copy = folder.file('project')
  copyProject(copy)
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (performance.now() >= deadline) return
    const began = performance.now()
    const killed = await isNoticed(copy, next)
    const seconds = (performance.now() - began) / 1_000
    outcomes.push({ mutation: next, killed, seconds })
    console.log(`${killed ? 'killed  ' : 'SURVIVED'} ${seconds.toFixed(1).padStart(6)} s  ${next.what}`)
  }
}

/** Copies what git would commit now. Copying node_modules would take longer than most tests. */
function copyProject(copy: string): void {
  const listed = Bun.spawnSync(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
  })
  for (const name of listed.stdout.toString().split('\0')) {
    if (name !== '' && existsSync(join(root, name))) cpSync(join(root, name), join(copy, name))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
}

/** @throws Error (no test could run) */
async function isNoticed(
  copy: string,
  { what, file, text, instead, tests, engine, only }: Mutation,
): Promise<boolean> {
  const path = join(copy, file)
  const { mode } = statSync(path)
  const content = readFileSync(path, 'utf8')
  // A function, because `$&` in a text would be replaced.
  writeFileSync(
    path,
    content.replace(text, () => instead),
    { mode },
  )
  try {
    const command = [
      ...[process.execPath, 'test', '--timeout', '60000', '--bail', ...tests.map(test => `./${test}`)],
      ...(only === undefined ? [] : ['-t', only]),
    ]
    const env = engine === undefined ? {} : { LATCHKEY_TEST_ENGINE: engine }
    const { said, code, signal } = await runInGroup(command, { cwd: copy, longestMs, env })
    if (code === 0) return false
    // Code that cannot be loaded, or a run without tests, proves nothing.
    if (signal === null && !/^\(fail\) /m.test(said))
      throw new Error(`${what}: no test ran\n${said.slice(-2_000)}`)
    return true
  } finally {
    rmSync(path)
    writeFileSync(path, content, { mode })
  }
}
