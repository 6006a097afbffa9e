import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { temporaryLatchkey } from './testing/latchkey.ts'
import { startLatchkey } from './testing/process.ts'

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s ends a command as the shell expects, exit code %p, and leaves no new file',
  async (signal, code) => {
    await using home = await temporaryLatchkey()
    for (let n = 0; n < 200; n++) await home.latchkey.users.create({ username: `user${n}` })
    const before = readdirSync(home.folder)
    // At moments before, during and after the copy: the process starts in about 50 ms.
    for (const delay of [20, 60, 90, 120]) {
      const running = startLatchkey('backup create', { db: home.path })
      await Bun.sleep(delay)
      running.kill(signal)
      const { code: exit, signal: by } = await running.finished
      // The shell reports a process that died of signal N as 128 + N.
      expect([0, code]).toContain(by === null ? exit : code)
      if (by !== null) expect(by).toBe(signal)
    }
    const backups = readdirSync(home.folder).filter(name => !before.includes(name))
    expect(backups).toEqual(backups.length === 0 ? [] : ['backups'])
    expect(
      (await home.latchkey.backups.verify({ all: true })).every(check => check.outcome === 'passed'),
    ).toBe(true)
    // What a dead run left under a temporary name, the next one sweeps up.
    await home.latchkey.backups.create()
    const left = readdirSync(`${home.folder}/backups`).filter(
      name => !/^latchkey-.*\.(db\.zst|json)$/.test(name),
    )
    expect(left).toEqual(['.latchkey-lock'])
  },
)
