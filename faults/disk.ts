/** Disks that fill up at any byte, folders that cannot be written or that disappear, and missing permissions. */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import {
  badBackups,
  type Fault,
  furnished,
  type House,
  litter,
  problems,
  repeat,
  spoken,
  state,
  Tally,
} from './harness.ts'

const runs = {
  create: ['backup', 'create'],
  restore: ['restore', '--latest', '--yes'],
  'restore --in-place': ['restore', '--latest', '--in-place', '--yes'],
  'restore --key': ['restore', '--latest', '--key', 'ci', '--yes'],
  'migrate down': ['migrate', 'down', '--to', '1', '--yes'],
  record: ['usage', 'record', 'ci', '--input-tokens', '3'],
  'create key': ['key', 'create', 'new'],
  prune: ['backup', 'prune', '--keep-last', '1', '--yes'],
} as const
type Run = keyof typeof runs
const names = Object.keys(runs) as readonly Run[]

export const disk: readonly Fault[] = [
  { name: 'disk full', run: full },
  { name: 'read-only file system', run: readOnly },
  { name: 'folder vanishes', run: vanished },
  { name: 'permission denied', run: denied },
]

interface Before {
  readonly house: House
  readonly old: string
  /** The state after the run. */
  readonly after: string
}

/** Gives prune something to remove. */
async function withTwoBackups(users?: number): Promise<House> {
  const house = await furnished(users)
  await house.using(latchkey => latchkey.backups.create())
  return house
}

/** The state after each run without faults. */
async function outcomes(house: House): Promise<ReadonlyMap<Run, Before>> {
  const old = state(house.path)
  const found = new Map<Run, Before>()
  for (const run of names) {
    using copy = house.copy()
    await copy.run(...runs[run])
    found.set(run, { house, old, after: state(copy.path) })
  }
  return found
}

/** The problems after a run that may have failed, according to the program and the files. */
async function wrong(
  house: House,
  { old, after }: Before,
  code: number,
  err: string,
): Promise<readonly string[]> {
  if (!existsSync(house.path)) return ['the database is gone']
  const now = state(house.path)
  return [
    ...(spoken.includes(code) ? [] : [`exit code ${code}: ${err}`]),
    ...(code === 0 && now !== after ? ['acknowledged, and not done'] : []),
    ...(code !== 0 && now !== old ? [`it says it failed, and changed something: ${err}`] : []),
    ...problems(house.path),
    ...(await badBackups(house)),
  ]
}

/** A small file system over the house. A file takes all but a random part of its space. */
async function full(count: number) {
  using template = await withTwoBackups(1_000)
  if (!canMount(template)) return { figures: 'skipped: this user cannot mount', losses: [] }
  const before = await outcomes(template)
  const losses: string[] = []
  const codes = new Tally()
  await repeat(count, async round => {
    const name = names[round % names.length] ?? 'create'
    const expected = before.get(name)
    if (!expected) return
    using house = template.copy()
    await mounted(house, 'size=8m', async () => {
      const filler = house.folder.file('filler')
      const size = sizeOf(house.folder.path)
      writeFileSync(
        filler,
        new Uint8Array(Math.max(0, 8 * mebibyte - size - Math.random() ** 2 * 3 * mebibyte)),
      )
      const { code, err } = await house.run(...runs[name])
      codes.add(code)
      const found = await roomFor(filler, () => wrong(house, expected, code, err))
      losses.push(...found.map(what => `round ${round}, ${name}: ${what}`))
      const again = await house.run(...runs[name], ...(name === 'create key' ? ['--dry-run'] : []))
      if (again.code !== 0 && name !== 'create key')
        losses.push(`round ${round}, ${name} again: ${again.err}`)
      losses.push(...litter(house).map(file => `round ${round}, ${name}: ${file} was left`))
    })
  })
  return { figures: `${count} runs, exit codes ${codes}`, losses }
}

/** Reading needs space too, for the sidecars of the database. */
async function roomFor<T>(filler: string, work: () => Promise<T>): Promise<T> {
  rmSync(filler)
  return work()
}

async function readOnly() {
  using template = await withTwoBackups(200)
  if (!canMount(template)) return { figures: 'skipped: this user cannot mount', losses: [] }
  const before = await outcomes(template)
  const losses: string[] = []
  const codes = new Tally()
  for (const name of names) {
    const expected = before.get(name)
    if (!expected) continue
    using house = template.copy()
    await mounted(house, 'size=16m', async () => {
      const { path } = house.folder
      mustRun('mount', '-o', 'remount,ro', path)
      const { code, err } = await house.run(...runs[name])
      codes.add(code)
      if (code === 0) losses.push(`${name} says that it worked`)
      mustRun('mount', '-o', 'remount,rw', path)
      losses.push(...(await wrong(house, expected, code, err)).map(what => `${name}: ${what}`))
    })
  }
  return { figures: `${names.length} runs, exit codes ${codes}`, losses }
}

/** The backup folder disappears during a run: it is removed or moved. */
async function vanished(count: number) {
  using template = await withTwoBackups()
  const before = await outcomes(template)
  const losses: string[] = []
  const codes = new Tally()
  const vanishing = ['create', 'restore', 'migrate down', 'prune'] as const
  await repeat(count, async round => {
    const name = vanishing[round % vanishing.length] ?? 'create'
    const expected = before.get(name)
    if (!expected) return
    using house = template.copy()
    const running = house.start(...runs[name])
    await Bun.sleep(100 + Math.random() * 500)
    // A rename, because removing file by file would be a folder that loses files, not one that disappears.
    const elsewhere = `${house.backups}-elsewhere`
    if (existsSync(house.backups)) renameSync(house.backups, elsewhere)
    if (round % 2 === 0) rmSync(elsewhere, { recursive: true, force: true })
    const { code, err } = await running.finished
    codes.add(code)
    losses.push(...(await wrong(house, expected, code, err)).map(what => `round ${round}, ${name}: ${what}`))
  })
  return { figures: `${count} runs, exit codes ${codes}`, losses }
}

/** A user who can read the house but not write to it, or not even read it. */
async function denied() {
  if (Bun.which('setpriv') === null || userId() !== 0) {
    return { figures: 'skipped: takes root and setpriv', losses: [] }
  }
  using template = await withTwoBackups(200)
  const before = await outcomes(template)
  const losses: string[] = []
  const codes = new Tally()
  for (const name of names) {
    for (const mode of [0o700, 0o755]) {
      const expected = before.get(name)
      if (!expected) continue
      using house = template.copy()
      for (const folder of [house.folder.path, dirname(house.path), house.backups]) {
        chownSync(folder, 0, 0)
        mustRun('chmod', mode.toString(8), folder)
      }
      const child = Bun.spawn(
        [
          'setpriv',
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          process.execPath,
          join(import.meta.dir, '../bin/latchkey.ts'),
          ...runs[name],
        ],
        {
          cwd: '/',
          env: { HOME: '/proc/nonexistent', LATCHKEY_DB: house.path, LATCHKEY_BACKUP_DIR: house.backups },
          stdin: 'ignore',
          stdout: 'pipe',
          stderr: 'pipe',
        },
      )
      const err = await child.stderr.text()
      const code = await child.exited
      codes.add(code)
      if (code === 0) losses.push(`${name} says that it worked`)
      losses.push(...(await wrong(house, expected, code, err)).map(what => `${name}: ${what}`))
    }
  }
  return { figures: `${names.length * 2} runs, exit codes ${codes}`, losses }
}

const mebibyte = 1_048_576

const userId = (): number => process.getuid?.() ?? -1

/** Moves the house to its own file system while `work` runs. */
async function mounted(house: House, options: string, work: () => Promise<void>): Promise<void> {
  const { path } = house.folder
  const aside = `${path}-aside`
  mkdirSync(aside)
  mustRun('cp', '-a', `${path}/.`, aside)
  mustRun('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path)
  try {
    mustRun('cp', '-a', `${aside}/.`, path)
    await work()
  } finally {
    mustRun('umount', path)
    rmSync(aside, { recursive: true })
  }
}

function canMount(house: House): boolean {
  const place = house.folder.file('mount')
  mkdirSync(place)
  const can = Bun.spawnSync(['mount', '-t', 'tmpfs', 'tmpfs', place], { stderr: 'ignore' }).success
  if (can) mustRun('umount', place)
  rmSync(place, { recursive: true })
  return can
}

function mustRun(...command: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...command])
  if (!success) throw new Error(`${command.join(' ')}: ${stderr}`)
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? Math.ceil(stat.size / 4096) * 4096 : 0), 0)
