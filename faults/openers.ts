/**
 * Restores a database that other processes constantly open, write to and close, until a restore succeeds. Then the
 * database is sound, and every acknowledged row is in it, in a backup, or in a file that was set aside.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Client } from '../src/db/sqlite/client.ts'
import {
  badBackups,
  type Fault,
  furnished,
  type House,
  litter,
  nowhere,
  problems,
  repeat,
  Tally,
} from './harness.ts'

const states: Readonly<Record<string, (path: string) => void>> = {
  damaged: path => {
    const client = new Client(path, { readwrite: true })
    const { rootpage } = client
      .query("SELECT rootpage FROM sqlite_schema WHERE name = 'counted_files'")
      .get() as { rootpage: number }
    client.close()
    const bytes = readFileSync(path)
    const root = (rootpage - 1) * 4096
    crypto.getRandomValues(bytes.subarray(root, root + 64))
    writeFileSync(path, bytes)
  },
  'other pages': path => {
    const client = new Client(path, { readwrite: true })
    client.run('PRAGMA journal_mode = DELETE')
    client.run('PRAGMA page_size = 8192')
    client.run('VACUUM')
    client.run('PRAGMA journal_mode = WAL')
    client.close()
  },
  sound: () => {},
}

export const openers: readonly Fault[] = Object.entries(states).map(([name, spoil]) => ({
  name: `openers: ${name}`,
  run: count => restored(count, spoil),
}))

const writers = 2
/** Does not wait, and waits until nobody has it open for a moment. */
const waits = [[], ['--wait', '5s']]
/** More refusals than this are a fault. */
const mostTries = 500

async function restored(count: number, spoil: (path: string) => void) {
  using template = await furnished(100)
  const losses: string[] = []
  const ends = new Tally()
  let acknowledged = 0
  await repeat(count, async round => {
    using house = template.copy()
    spoil(house.path)
    const lose = (what: string) => losses.push(`round ${round}: ${what}`)
    const stopped = { yet: false }
    const written = Array.from({ length: writers }, (_, n) => writeUntil(house, n, stopped))
    let code = 75
    for (let tries = 0; code === 75 && tries < mostTries; tries++) {
      const end = await house.run('restore', '--latest', '--yes', '-q', ...(waits[round % 2] ?? []))
      code = end.code ?? 1
      ends.add(code)
      if (code !== 0 && code !== 75) lose(`the restore ended with ${code}: ${end.err}`)
    }
    if (code === 75) lose(`the restore was turned away ${mostTries} times`)
    stopped.yet = true
    const rows = (await Promise.all(written)).flat()
    acknowledged += rows.length
    for (const problem of problems(house.path)) lose(problem)
    for (const row of await nowhere(house, rows)) lose(`the user ${row} is nowhere`)
    for (const problem of [...(await badBackups(house)), ...litter(house)]) lose(problem)
  })
  return {
    figures: `${count} rounds, ${acknowledged} users acknowledged, restores ended with ${ends}`,
    losses,
  }
}

/** Creates one user after another, each in its own process. @returns those that were acknowledged */
async function writeUntil(
  house: House,
  writer: number,
  stopped: { readonly yet: boolean },
): Promise<readonly string[]> {
  const written: string[] = []
  for (let n = 0; !stopped.yet; n++) {
    const name = `w${writer}n${n}`
    const { code } = await house.run('user', 'create', name, '-q')
    if (code === 0) written.push(name)
  }
  return written
}
