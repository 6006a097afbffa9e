/** Sidecars of a database with an owner or a mode that keeps out users who may write to it. */
import { expect, setDefaultTimeout } from 'bun:test'
import { chmodSync, chownSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { processEnvironment, program } from '../../testing/process.ts'
import { canStepDown, requirePresent, stepDown } from '../../testing/tools.ts'

setDefaultTimeout(60_000)

const somebody = 65_534
const asSomebody = requirePresent(canStepDown(), 'a way to run as somebody else')

/** A database of another user, with a sidecar. */
async function scene(suffix: string, owner: number, mode: number) {
  const home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  await home.latchkey.close()
  chmodSync(home.folder, 0o755)
  for (const path of [home.folder, home.path]) chownSync(path, somebody, somebody)
  // Useless, but not empty: SQLite fixes the mode of an empty one itself.
  const sidecar = home.path + suffix
  writeFileSync(sidecar, Buffer.alloc(suffix === '-shm' ? 32_768 : 0))
  chownSync(sidecar, owner, owner)
  chmodSync(sidecar, mode)
  const run = (line: string) => {
    const { exitCode, stderr } = Bun.spawnSync([...stepDown, ...program, ...line.split(' ')], {
      cwd: '/',
      env: processEnvironment({ db: home.path }),
    })
    return { code: exitCode, err: stderr.toString() }
  }
  return { ...home, sidecar, run, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
}

for (const suffix of ['-shm', '-wal', '-journal']) {
  asSomebody(`a ${suffix} of mode 0444 does not keep out its owner`, async () => {
    await using at = await scene(suffix, somebody, 0o444)
    expect(at.run('user create bob')).toMatchObject({ code: 0 })
    expect(at.run('user list')).toMatchObject({ code: 0 })
    if (suffix !== '-journal') expect(readdirSync(at.folder)).toEqual(['latchkey.db'])
  })
}

for (const suffix of ['-shm', '-wal']) {
  asSomebody(`a ${suffix} that belongs to root is named, with what mends it`, async () => {
    await using at = await scene(suffix, 0, 0o600)
    const { code, err } = at.run('user create bob')
    expect(code).toBe(78)
    expect(err).toContain(`latchkey: ${at.sidecar} cannot be written by this user`)
    const command = /: sudo (chown .*)/.exec(err)?.[1] ?? ''
    expect(Bun.spawnSync(['sh', '-c', command]).exitCode).toBe(0)
    expect(statSync(join(at.sidecar)).uid).toBe(somebody)
    expect(at.run('user create bob')).toMatchObject({ code: 0 })
  })
}
