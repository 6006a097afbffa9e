/** Flips, zeroes or cuts every region of a backup. Verify and restore report it, and the database stays unchanged. */
import { readFileSync, writeFileSync } from 'node:fs'
import { LatchkeyError } from '../src/contract/errors.ts'
import type { Backup } from '../src/contract/views.ts'
import { type Fault, furnished, type House, Tally } from './harness.ts'

const compressions = ['none', 'zstd', 'gzip'] as const
const parts = ['data', 'manifest'] as const
const regions = { header: 0, early: 0.1, middle: 0.5, late: 0.9, end: 1 } as const
const ways = {
  flipped: (bytes: Buffer, at: number) =>
    bytes.with(at, (bytes[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8))),
  zeroed: (bytes: Buffer, at: number) => bytes.fill(0, at, Math.min(bytes.length, at + 64)),
  cut: (bytes: Buffer, at: number) => bytes.subarray(0, at),
  'cut out': (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 16)]),
  grown: (bytes: Buffer, at: number) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from('{'), bytes.subarray(at)]),
} as const

export const rot: readonly Fault[] = compressions.map(compression => ({
  name: `rot: ${compression}`,
  run: count => rotten(compression, count),
}))

async function rotten(compression: (typeof compressions)[number], count: number) {
  using house = await furnished(300)
  const backup = await house.using(latchkey => latchkey.backups.create({ compression }))
  const before = fingerprint(house)
  const losses: string[] = []
  const found = new Tally()
  let tried = 0
  for (const part of parts) {
    const file = part === 'data' ? backup.path : backup.path.replace(/\.db(\.\w+)?$/, '.json')
    const whole = readFileSync(file)
    for (const [region, share] of Object.entries(regions)) {
      for (const [way, spoil] of Object.entries(ways)) {
        for (let round = 0; round < Math.max(1, Math.round(count / 20)); round++) {
          const jitter = Math.floor(Math.random() * Math.min(200, whole.length / 10))
          const at = Math.min(whole.length - 1, Math.max(0, Math.floor(share * whole.length) + jitter))
          const spoilt = Buffer.from(spoil(Buffer.from(whole), at))
          if (spoilt.equals(whole) || (part === 'manifest' && saysTheSame(spoilt, whole))) continue
          tried++
          writeFileSync(file, spoilt)
          const where = `${part}, ${region}, ${way} at byte ${at}`
          for (const [what, code] of await attempts(house, backup)) {
            found.add(code)
            if (code !== 'corrupt' && code !== 'checksum') losses.push(`${where}: ${what} says ${code}`)
          }
          if (fingerprint(house) !== before) losses.push(`${where}: the database was touched`)
          writeFileSync(file, whole)
        }
      }
    }
  }
  for (const code of await exitCodes(house, backup))
    if (code !== 7) losses.push(`the program exits with ${code}`)
  return { figures: `${tried} damages, each met by verify and restore: ${found}`, losses }
}

/** The answers of verify and restore for a damaged backup. */
async function attempts(house: House, { id, path }: Backup): Promise<readonly (readonly [string, string])[]> {
  return house.using(async latchkey => {
    const code = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'done',
        error => (error instanceof LatchkeyError ? error.code : String(error)),
      )
    const checks = await latchkey.backups.verify({ all: true })
    const bad = checks.filter(check => check.outcome === 'failed')
    return [
      ['verify', bad.length > 0 ? 'corrupt' : `${id} passes`],
      ['restore', await code(latchkey.backups.restore({ backup: path }))],
    ] as const
  })
}

/** The same once with the program itself: exit code 7. */
async function exitCodes(house: House, { path }: Backup): Promise<readonly number[]> {
  const whole = readFileSync(path)
  writeFileSync(
    path,
    whole.with(Math.floor(whole.length / 2), (whole[Math.floor(whole.length / 2)] ?? 0) ^ 1),
  )
  const runs = [
    await house.run('backup', 'verify', '--all'),
    await house.run('restore', path, '--yes'),
    await house.run('restore', path, '--in-place', '--yes'),
    await house.run('restore', path, '--dry-run'),
    await house.run('restore', path, '--key', 'ci', '--yes'),
  ]
  writeFileSync(path, whole)
  return runs.map(run => run.code)
}

const fingerprint = (house: House): string => Bun.hash(readFileSync(house.path)).toString(36)

/** Changed white space in a manifest is no damage. */
function saysTheSame(a: Buffer, b: Buffer): boolean {
  try {
    return JSON.stringify(JSON.parse(a.toString())) === JSON.stringify(JSON.parse(b.toString()))
  } catch {
    return false
  }
}
