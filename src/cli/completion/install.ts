/** Writes a completion script to where its shell looks for it. Never changes a file that a person wrote. */
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { CompletionInstalled } from '../../contract/views.ts'
import { ensureFolder, replaceFile } from '../../system/files.ts'
import { type Environment, userFolder } from '../../system/home.ts'
import { lineOf } from '../../text/shell-word.ts'
import { completionScript, installedAs, isCompletionScript, type Shell, shells } from './scripts.ts'

export interface Installation {
  /** Default: from `SHELL`. */
  readonly shell: Shell | undefined
  /** Default: where the shell looks in the home directory. */
  readonly folder: string | undefined
  readonly env: Environment
  readonly dryRun: boolean
}

/** @throws usage (not a known shell), conflict (the file is not ours), permission, disk_full */
export async function installCompletion(installation: Installation): Promise<CompletionInstalled> {
  const { env, dryRun, folder } = installation
  const shell = installation.shell ?? shellOf(env)
  const path = folder === undefined ? usualPath(shell, env) : join(folder, installedAs[shell].at(-1) ?? shell)
  const script = completionScript(shell)
  const before = present(path)
  if (before !== undefined && before !== '' && !isCompletionScript(before)) {
    throw new LatchkeyError(
      'conflict',
      `${path} already exists, and is not a completion script of latchkey`,
      'move it away first, or name another folder with --dir',
    )
  }
  const changed = before !== script
  if (changed && !dryRun) {
    ensureFolder(dirname(path), 0o755, 'usage')
    replaceFile(path, script, 0o644)
  }
  return { shell, path, changed, activate: activations[shell](path) }
}

function usualPath(shell: Shell, env: Environment): string {
  const [first, ...rest] = installedAs[shell]
  return first === '.config'
    ? join(userFolder(env, 'XDG_CONFIG_HOME'), ...rest)
    : join(userFolder(env, 'XDG_DATA_HOME'), ...rest.slice(1))
}

function shellOf(env: Environment): Shell {
  const name = basename(env['SHELL'] ?? '')
  const found = shells.find(each => each === name)
  if (found !== undefined) return found
  throw new LatchkeyError(
    'usage',
    name === '' ? '$SHELL does not name a shell' : `'${name}' is not a supported shell`,
    `name one: ${lineOf('completion install', shells[0])}`,
  )
}

/** What else a person must add, if the file alone is not enough. */
const activations: Readonly<Record<Shell, (path: string) => string | null>> = {
  bash: path => `Needs the package bash-completion. Without it, add to ~/.bashrc: source ${path}`,
  zsh: path => `Add to ~/.zshrc, before compinit: fpath=(${dirname(path)} $fpath)`,
  fish: () => null,
}

function present(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
