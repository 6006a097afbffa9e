/** What README.md and docs/ tell people to type, and a shell to type it in. For tests only. */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { launcher } from './process.ts'

export const root = join(import.meta.dir, '../..')

export interface Shell {
  readonly folder: TemporaryFolder
  /** Where it starts. */
  readonly work: string
  readonly path: string
  /** The blocks of one language in a page, with the paths of a real machine led into the temporary folder. */
  readonly blocks: (page: string, language: string) => readonly string[]
  readonly bash: (
    script: string,
    env: Readonly<Record<string, string | undefined>>,
    cwd?: string,
  ) => { readonly code: number; readonly out: string; readonly err: string }
}

/** Bash in a temporary folder, with `latchkey` on its PATH. */
export function pageShell(): Shell {
  const folder = temporaryFolder()
  const work = folder.file('work')
  mkdirSync(join(work, 'data'), { recursive: true })
  mkdirSync(folder.file('bin'))
  chmodSync(folder.write('bin/latchkey', launcher), 0o755)
  return {
    folder,
    work,
    path: `${folder.file('bin')}:${process.env['PATH']}`,
    blocks: (page, language) =>
      blocksOf(page, language).map(text => text.replaceAll('/var/backups/latchkey', folder.file('backups'))),
    bash: (script, env, cwd = work) => {
      const ran = Bun.spawnSync(['bash', '-euo', 'pipefail', '-c', script], { cwd, env, stdin: 'ignore' })
      return { code: ran.exitCode, out: ran.stdout.toString(), err: ran.stderr.toString() }
    },
  }
}

/** The blocks of one language in a page. */
export function blocksOf(page: string, language: string): readonly string[] {
  const block = new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm')
  return [...readFileSync(join(root, page), 'utf8').matchAll(block)].map(([, text = '']) => text.trim())
}
