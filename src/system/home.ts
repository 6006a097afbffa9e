/** The folders of a user, from the environment or the system's account. Never fails. */
import { isAbsolute, join, resolve } from 'node:path'

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The home folder: HOME, else that of the system's account. */
export function homeFolder(env: Environment): string {
  try {
    // node:os loads slowly, and HOME is usually set.
    return env['HOME'] || process.getBuiltinModule('node:os').homedir()
  } catch {
    // Container runtimes use this too for users without an account.
    return '/'
  }
}

/**
 * Whose files in the current folder are trusted: the user's, root's, and for root those of the user who ran `sudo`, as in
 * git's safe.directory. Anybody can put files into a folder such as /tmp.
 */
export function trustedOwners(env: Environment): readonly number[] {
  const own = process.geteuid?.() ?? 0
  const invoker = own === 0 ? Number(env['SUDO_UID'] || 0) : 0
  return [own, 0, invoker]
}

const userFolders = {
  XDG_CONFIG_HOME: '.config',
  XDG_DATA_HOME: '.local/share',
  XDG_STATE_HOME: '.local/state',
} as const

/** A folder of the XDG Base Directory Specification, which ignores relative paths. */
export function userFolder(env: Environment, name: keyof typeof userFolders): string {
  const set = env[name]
  return set !== undefined && isAbsolute(set) ? set : join(homeFolder(env), userFolders[name])
}

/**
 * Makes a typed path absolute. `~/` is the home folder even where no shell expands it, as in `--to=~/x`, a variable of a
 * service, or an answer. A folder named `~` can be written as `./~/`.
 */
export const located = (typed: string, folder: string, home: string): string =>
  resolve(
    folder,
    typed.replace(/^~(?=\/)/, () => home),
  )
