/** Two and eight at once of everything that takes a lock. Each succeeds or reports busy, and nothing is half done. */
import {
  badBackups,
  type Fault,
  furnished,
  furniture,
  type House,
  litter,
  problems,
  Tally,
} from './harness.ts'

interface Rush {
  readonly name: string
  /** The command line of the nth. */
  readonly args: (n: number) => readonly string[]
  readonly prepare?: (house: House) => Promise<unknown>
  /** Allowed exit codes; by default success and busy. */
  readonly codes?: readonly number[]
  /** What the state must be after this many successes. */
  readonly holds: (house: House, done: number, crowd: number) => Promise<boolean> | boolean
}

const count = (house: House, what: 'users' | 'keys' | 'backups'): Promise<number> =>
  house.using(async latchkey => (await latchkey[what].list()).length)
const requests = (house: House): Promise<number> =>
  house.using(async latchkey => (await latchkey.keys.stats('ci')).totals.requests)

const users = 200

const rushes: readonly Rush[] = [
  {
    name: 'create',
    args: () => ['backup', 'create'],
    holds: async (house, done) => done > 0 && (await count(house, 'backups')) === 1 + done,
  },
  {
    name: 'create --wait',
    args: () => ['backup', 'create', '--wait', '60s'],
    codes: [0],
    holds: async (house, done, crowd) => done === crowd && (await count(house, 'backups')) === 1 + crowd,
  },
  {
    name: 'prune',
    args: () => ['backup', 'prune', '--keep-last', '1', '--yes'],
    prepare: house => house.using(latchkey => latchkey.backups.create()),
    holds: async (house, done) => done > 0 && (await count(house, 'backups')) === 1,
  },
  {
    name: 'restore',
    args: () => ['restore', '--latest', '--wait', '60s', '--yes'],
    holds: async (house, done) => done > 0 && (await count(house, 'users')) === furniture.people + users,
  },
  {
    name: 'restore --in-place',
    args: () => ['restore', '--latest', '--in-place', '--wait', '60s', '--yes'],
    holds: async (house, done) => done > 0 && (await count(house, 'users')) === furniture.people + users,
  },
  {
    name: 'migrate up',
    args: () => ['migrate', 'up'],
    prepare: house => house.using(latchkey => latchkey.migrations.migrate({ direction: 'down', to: 1 })),
    codes: [0],
    // One for the way down, one for the way up, and the first one.
    holds: async house => (await count(house, 'backups')) === 3,
  },
  {
    name: 'migrate down',
    args: () => ['migrate', 'down', '--to', '1', '--yes'],
    codes: [0],
    holds: async house => (await count(house, 'backups')) === 2,
  },
  {
    name: 'record',
    args: () => ['usage', 'record', 'ci', '--input-tokens', '3'],
    codes: [0],
    holds: async (house, done, crowd) =>
      done === crowd && (await requests(house)) === furniture.requests + crowd,
  },
  {
    name: 'key create',
    args: n => ['key', 'create', `key ${n}`],
    codes: [0],
    holds: async (house, done) => (await count(house, 'keys')) === furniture.keys + done,
  },
  {
    name: 'key create, the same name',
    args: () => ['key', 'create', 'the same'],
    codes: [0, 5],
    holds: async (house, done) => done === 1 && (await count(house, 'keys')) === furniture.keys + 1,
  },
  {
    name: 'restore --key',
    args: () => ['restore', '--latest', '--key', 'ci', '--wait', '60s', '--yes'],
    prepare: house => house.using(latchkey => latchkey.keys.delete('ci')),
    codes: [0],
    holds: async house => (await count(house, 'keys')) === furniture.keys,
  },
  {
    name: 'all of them',
    args: n =>
      [
        ['backup', 'create', '--wait', '60s'],
        ['restore', '--latest', '--in-place', '--wait', '60s', '--yes'],
        ['backup', 'prune', '--keep-last', '2', '--wait', '60s', '--yes'],
        ['usage', 'record', 'ci', '--input-tokens', '1'],
        ['backup', 'verify', '--all'],
        ['key', 'create', `key ${n}`],
        ['migrate', 'up'],
        ['restore', '--latest', '--key', 'ci', '--wait', '60s', '--yes'],
      ][n % 8] ?? [],
    holds: () => true,
  },
]

export const crowd: readonly Fault[] = [2, 8].map(size => ({
  name: `${size} at once`,
  run: () => together(size),
}))

async function together(size: number) {
  const losses: string[] = []
  const codes = new Tally()
  for (const { name, args, prepare, codes: allowed = [0, 75], holds } of rushes) {
    using house = await furnished(users)
    await prepare?.(house)
    const ends = await Promise.all(Array.from({ length: size }, (_, n) => house.run(...args(n))))
    for (const { code, err } of ends) {
      codes.add(code)
      if (!allowed.includes(code)) losses.push(`${name}: exit code ${code}: ${err}`)
    }
    const done = ends.filter(end => end.code === 0).length
    if (!(await holds(house, done, size)))
      losses.push(`${name}: ${done} were done, and what is there does not fit`)
    const found = [...problems(house.path), ...(await badBackups(house)), ...litter(house)]
    losses.push(...found.map(what => `${name}: ${what}`))
  }
  return { figures: `${rushes.length} kinds of run, exit codes ${codes}`, losses }
}
