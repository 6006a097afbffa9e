/** The pictures of the README: the real program, on a real pseudo-terminal, with a database that is always the same. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { onTerminal, type SpawnOptions, type Typed } from '../../src/testing/process.ts'
import { type Theme, terminalSvg } from './terminal.ts'

export const themes: readonly Theme[] = ['light', 'dark']

/** The size of the report's PNGs in pixels of CSS, and how many pixels of the file each of those has. */
export const reportSize = { width: 1_000, height: 912, scale: 1.5 } as const

export interface Pictures {
  /** By the names of their files. */
  readonly svgs: ReadonlyMap<string, string>
  /** The HTML that PNGs are taken of. */
  readonly report: string
  /** Of that and of the size of the PNGs: another one means that they must be taken again. */
  readonly reportHash: string
}

interface Scene {
  readonly name: string
  readonly line: string
  readonly title: string
  readonly typed: readonly Typed[]
  /** The picture is taken when this has been drawn; at the end unless told. */
  readonly until?: RegExp
}

/** An answer that was typed in full, before it is sent. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the cursor is moved behind what was typed
const answered = /latchkey\.db\x1b\[\d+G/

const scenes: readonly Scene[] = [
  { name: 'key-stats', line: 'key stats ci', title: 'What a key has used of its limits', typed: [] },
  {
    name: 'restore',
    line: 'restore --latest',
    title: 'What a restore asks before it replaces the database',
    typed: [
      { when: /Type/, keys: 'latchkey.db' },
      { when: answered, keys: '\r' },
    ],
    until: answered,
  },
]

const columns = 96

/** Takes a few seconds. */
export async function draw(): Promise<Pictures> {
  // As long as the path that is shown in its place, so that lines break where they would.
  const shown = '/srv/gateway'
  const folder = mkdtempSync('/tmp/l')
  try {
    const terminal = { ...environment(folder), entry: join(import.meta.dir, 'latchkey.ts'), columns }
    seed(terminal)
    const svgs = new Map<string, string>()
    for (const { name, line, title, typed, until } of scenes) {
      const screen = await run(line, typed, terminal)
      const end = until?.exec(screen)
      const taken = end ? screen.slice(0, end.index + end[0].length) : screen
      const written = `\x1b[2m$\x1b[22m latchkey ${line}\r\n${taken.replaceAll(folder, shown)}`
      for (const theme of themes) {
        svgs.set(`${name}-${theme}.svg`, await terminalSvg(written, columns, theme, title))
      }
    }
    await run('usage report --by key,day --since 2026-10-30 --html report.html', [], terminal)
    const report = await Bun.file(join(folder, 'report.html')).text()
    return { svgs, report, reportHash: hashOf(JSON.stringify(reportSize) + report) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const hashOf = (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex')

const environment = (folder: string) => ({
  cwd: folder,
  env: { HOME: folder, LATCHKEY_DB: 'latchkey.db', LATCHKEY_ACTOR: 'alice', TZ: 'UTC' },
})

function seed({ cwd, env }: ReturnType<typeof environment>): void {
  const ran = Bun.spawnSync([process.execPath, join(import.meta.dir, 'seed.ts')], {
    cwd,
    env: { ...env, PATH: process.env['PATH'] },
    stderr: 'pipe',
  })
  if (!ran.success) throw new Error(ran.stderr.toString())
}

async function run(line: string, typed: readonly Typed[], terminal: SpawnOptions): Promise<string> {
  const { code, screen } = await onTerminal(line, typed, terminal)
  if (code !== 0) throw new Error(`latchkey ${line} exited with ${code}:\n${screen}`)
  return screen
}
