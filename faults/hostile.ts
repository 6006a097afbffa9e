/** Hostile names, files and manifests. They work, or are refused with a reason. */
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { Client } from '../src/db/sqlite/client.ts'
import { type Fault, forEach, furnished, House, litter, problems, spoken, state, Tally } from './harness.ts'

export const hostile: readonly Fault[] = [
  { name: 'hostile names', run: strangeNames },
  { name: 'hostile targets', run: strangeTargets },
  { name: 'hostile backups', run: strangeBackups },
]

const names = [
  "it's",
  'a "quoted" name',
  'two\nlines',
  ' spaces ',
  '--help',
  '-rf',
  '$(reboot)',
  '`id`',
  '%s%n',
  "'; DROP TABLE users; --",
  '?immutable=1#x',
  'ключ 鍵 🔑',
  '*',
  '\\back\\slash',
  'a'.repeat(200),
] as const

/** The longest time that a run may take, because reading a pipe would wait forever. */
const patienceMs = 30_000

async function strangeNames(count: number) {
  const losses: string[] = []
  const codes = new Tally()
  const tried = sample(names, count)
  await forEach(tried, async name => {
    using house = new House(`${name}/${name}.db`, `${name}/backups ${name}`)
    const to = join(dirname(house.path), 'elsewhere')
    const lines = [
      ['init'],
      ['user', 'create', 'alice'],
      ['backup', 'create'],
      ['backup', 'create', `--to=${to}`],
      ['backup', 'list', '--json'],
      ['backup', 'verify', '--all', `--from=${to}`],
      ['user', 'create', 'bob'],
      ['restore', '--latest', '--yes'],
      ['restore', '--undo', '--yes'],
      [
        'restore',
        '--latest',
        `--from=${to}`,
        `--to=${join(dirname(house.path), `${name} copy.db`)}`,
        '--yes',
      ],
      ['migrate', 'down', '--yes'],
      ['migrate', 'up'],
      ['migrate', 'check'],
      ['backup', 'prune', '--keep-last', '1', '--yes'],
    ]
    for (const line of lines) {
      const { code, err } = await house.run(...line)
      codes.add(code)
      if (code !== 0) losses.push(`${JSON.stringify(name.slice(0, 30))}: ${line.join(' ')}: ${err}`)
    }
    losses.push(...[...problems(house.path), ...litter(house)].map(what => `${name}: ${what}`))
  })
  return { figures: `${tried.length} names through 14 commands each, exit codes ${codes}`, losses }
}

/** Things in place of the database. */
const targets: Readonly<Record<string, (house: House) => void>> = {
  'a link to the database': house => {
    renameSync(house.path, house.folder.file('real.db'))
    symlinkSync(house.folder.file('real.db'), house.path)
  },
  'a link to nothing': house => {
    rmSync(house.path)
    symlinkSync(house.folder.file('nothing'), house.path)
  },
  'a link to itself': house => {
    rmSync(house.path)
    symlinkSync(house.path, house.path)
  },
  'a second name of the database': house => linkSync(house.path, house.folder.file('second.db')),
  'a pipe': house => {
    rmSync(house.path)
    Bun.spawnSync(['mkfifo', house.path])
  },
  'a folder': house => {
    rmSync(house.path)
    mkdirSync(house.path)
  },
  'no bytes': house => writeFileSync(house.path, ''),
  'a text': house => writeFileSync(house.path, 'SQLite format 3\0 and no more'),
  "somebody else's database": house => {
    rmSync(house.path)
    const client = new Client(house.path, { create: true })
    client.run('CREATE TABLE users (x)')
    client.run("INSERT INTO users VALUES ('theirs')")
    client.close()
  },
  'the sidecars of another': house => {
    rmSync(house.path)
    for (const suffix of ['-wal', '-shm', '-journal'])
      writeFileSync(house.path + suffix, crypto.getRandomValues(new Uint8Array(5_000)))
  },
}

/** Those that must never be replaced. */
const theirs: ReadonlySet<string> = new Set(["somebody else's database", 'a pipe', 'a folder'])

async function strangeTargets() {
  const losses: string[] = []
  const codes = new Tally()
  using template = await furnished(50)
  await forEach(Object.entries(targets), async ([what, make]) => {
    for (const line of [
      ['key', 'list'],
      ['backup', 'create'],
      ['migrate', 'up'],
      ['migrate', 'check'],
      ['restore', '--latest', '--yes'],
      ['restore', '--latest', '--in-place', '--yes'],
      ['restore', '--latest', '--key', 'ci', '--yes'],
    ]) {
      using house = template.copy()
      make(house)
      const before = theirs.has(what) ? statSync(house.path).ino : 0
      const { code, err } = await inTime(house, line)
      codes.add(code)
      const lose = (loss: string) => losses.push(`${what}: ${line.join(' ')}: ${loss}`)
      if (!spoken.includes(code)) lose(`exit code ${code}: ${err}`)
      if (theirs.has(what) && (code === 0 || statSync(house.path).ino !== before)) lose('it was replaced')
      if (line[0] === 'restore' && code === 0) for (const problem of problems(house.path)) lose(problem)
      for (const file of litter(house)) lose(`${file} was left`)
    }
  })
  return { figures: `${Object.keys(targets).length} targets, exit codes ${codes}`, losses }
}

type Manifest = Record<string, unknown>

/** Verify has nothing to check if the manifest is not a file, or if there is none. */
const noManifest = 'a manifest that is a pipe'

/** Things in place of a backup and its manifest. */
const spoilt: Readonly<Record<string, (house: House, path: string) => Promise<void> | void>> = {
  'a pipe': (_, path) => {
    rmSync(path)
    Bun.spawnSync(['mkfifo', path])
  },
  'a folder': (_, path) => {
    rmSync(path)
    mkdirSync(path)
  },
  'a link to the database': (house, path) => {
    rmSync(path)
    symlinkSync(house.path, path)
  },
  'no bytes': (_, path) => writeFileSync(path, ''),
  [noManifest]: (_, path) => {
    rmSync(manifestOf(path))
    Bun.spawnSync(['mkfifo', manifestOf(path)])
  },
  'a manifest of no bytes': (_, path) => writeFileSync(manifestOf(path), ''),
  'a manifest that claims 1 TB': (_, path) => rewrite(path, m => ({ ...m, rawSizeBytes: 1e12 })),
  'a manifest that claims more bytes than there are numbers': (_, path) =>
    rewrite(path, m => ({ ...m, rawSizeBytes: 1e300, sizeBytes: -1 })),
  'a manifest that names another path': (house, path) =>
    rewrite(path, m => ({ ...m, file: join('..', '..', house.path) })),
  'a manifest that names an absolute path': (_, path) => rewrite(path, m => ({ ...m, file: '/etc/passwd' })),
  'a manifest of ten megabytes': (_, path) => rewrite(path, m => ({ ...m, reason: 'x'.repeat(10_000_000) })),
  'a manifest with a prototype': (_, path) =>
    writeFileSync(
      manifestOf(path),
      readFileSync(manifestOf(path), 'utf8').replace('{', '{"__proto__": {"file": "x"},'),
    ),
  'a bomb of 2 GB in a few kilobytes': (_, path) => {
    const frame = zstdCompressSync(new Uint8Array(64 * 1_048_576))
    const bomb = Buffer.concat(Array.from({ length: 32 }, () => frame))
    writeFileSync(path, bomb)
    rewrite(path, m => ({ ...m, sizeBytes: bomb.length, sha256: sha256(bomb) }))
  },
  'a bomb that says how large it is': (_, path) => {
    const frame = zstdCompressSync(new Uint8Array(64 * 1_048_576))
    writeFileSync(path, frame)
    rewrite(path, m => ({
      ...m,
      sizeBytes: frame.length,
      sha256: sha256(frame),
      rawSizeBytes: 64 * 1_048_576,
    }))
  },
  "somebody else's database, with right hashes": (house, path) => {
    const client = new Client(house.folder.file('theirs.db'), { create: true })
    client.run('CREATE TABLE users (x)')
    client.close()
    const bytes = readFileSync(house.folder.file('theirs.db'))
    const packed = zstdCompressSync(bytes)
    writeFileSync(path, packed)
    rewrite(path, m => ({
      ...m,
      sizeBytes: packed.length,
      sha256: sha256(packed),
      rawSizeBytes: bytes.length,
      rawSha256: sha256(bytes),
    }))
  },
}

async function strangeBackups() {
  const losses: string[] = []
  const codes = new Tally()
  using template = await furnished(50)
  const [backup] = await template.using(latchkey => latchkey.backups.list())
  if (!backup) return { figures: 'no backup', losses: ['there is no backup to spoil'] }
  await forEach(Object.entries(spoilt), async ([what, spoil]) => {
    for (const line of [
      ['backup', 'list', '--json'],
      ['backup', 'verify', '--all'],
      ['restore', backup.id, '--yes'],
      ['restore', backup.id, '--in-place', '--yes'],
      ['restore', backup.id, '--dry-run'],
      ['restore', backup.id, '--key', 'ci', '--yes'],
      ['backup', 'prune', '--keep-last', '1', '--yes'],
    ]) {
      using house = template.copy()
      const path = join(house.backups, backup.path.slice(template.backups.length + 1))
      await spoil(house, path)
      const before = state(house.path)
      const { code, err } = await inTime(house, line)
      codes.add(code)
      const lose = (loss: string) => losses.push(`${what}: ${line.join(' ')}: ${loss}`)
      if (!spoken.includes(code)) lose(`exit code ${code}: ${err}`)
      const checks = line[0] === 'restore' || (line[1] === 'verify' && what !== noManifest)
      if (code === 0 && checks) lose('it passed')
      if (state(house.path) !== before) lose('the database was touched')
      for (const problem of [...problems(house.path), ...litter(house)]) lose(problem)
    }
  })
  return { figures: `${Object.keys(spoilt).length} kinds of backup, exit codes ${codes}`, losses }
}

/** This many of them, each at most once. */
const sample = <T>(items: readonly T[], count: number): readonly T[] =>
  items
    .map(item => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, count)
    .map(({ item }) => item)

/** Runs to the end, or is killed if it takes too long. */
async function inTime(house: House, line: readonly string[]): Promise<{ code: number; err: string }> {
  const running = house.start(...line)
  const timer = setTimeout(() => running.kill('SIGKILL'), patienceMs)
  const { code, signal, err } = await running.finished
  clearTimeout(timer)
  return signal === null ? { code, err } : { code: -1, err: `it did not end within ${patienceMs / 1000} s` }
}

const manifestOf = (path: string): string => path.replace(/\.db(\.\w+)?$/, '.json')

/** A changed manifest with a valid hash of itself. */
function rewrite(path: string, change: (manifest: Manifest) => Manifest): void {
  const { manifestSha256: _, ...manifest } = JSON.parse(readFileSync(manifestOf(path), 'utf8'))
  const changed = change(manifest)
  const manifestSha256 = sha256(Buffer.from(JSON.stringify(changed)))
  writeFileSync(manifestOf(path), JSON.stringify({ ...changed, manifestSha256 }))
}

const sha256 = (bytes: Uint8Array): string => new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
