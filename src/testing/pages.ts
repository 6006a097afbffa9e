/** The commands in README.md and docs/, and a shell to run them. For tests only. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { launcher } from './process.ts'
import { standIn } from './stand-in.ts'

export const root = join(import.meta.dir, '../..')

export interface Shell {
  readonly folder: TemporaryFolder
  /** Its current folder. */
  readonly work: string
  readonly path: string
  /** The blocks of one language in a page, with real paths replaced by paths in the temporary folder. */
  readonly blocks: (page: string, language: string) => readonly string[]
  readonly bash: (
    script: string,
    env: Readonly<Record<string, string | undefined>>,
    cwd?: string,
  ) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>
  readonly close: () => void
}

/** Bash in a temporary folder, with a stand-in for `latchkey` on its PATH. The program itself is in `real`. */
export function pageShell(): Shell {
  const folder = temporaryFolder()
  const work = folder.file('work')
  mkdirSync(join(work, 'data'), { recursive: true })
  const { script, stop } = standIn()
  for (const [name, text] of [
    ['bin', script],
    ['real', launcher],
  ] as const) {
    mkdirSync(folder.file(name))
    chmodSync(folder.write(`${name}/latchkey`, text), 0o755)
  }
  return {
    folder,
    work,
    path: `${folder.file('bin')}:${process.env['PATH']}`,
    blocks: (page, language) =>
      blocksOf(page, language).map(text => text.replaceAll('/var/backups/latchkey', folder.file('backups'))),
    bash: async (script, env, cwd = work) => {
      const ran = Bun.spawn(['bash', '-euo', 'pipefail', '-c', script], {
        cwd,
        env,
        stdin: 'ignore',
        stderr: 'pipe',
      })
      const [out, err, code] = await Promise.all([ran.stdout.text(), ran.stderr.text(), ran.exited])
      return { code, out, err }
    },
    close: () => {
      stop()
      folder.remove()
    },
  }
}

/** The blocks of one language in a page. */
export function blocksOf(page: string, language: string): readonly string[] {
  const block = new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm')
  return [...readFileSync(join(root, page), 'utf8').matchAll(block)].map(([, text = '']) => text.trim())
}
