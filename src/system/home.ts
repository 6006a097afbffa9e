/** Where a user's own files lie: by the environment, else by the system's account. Must never fail. */
import { isAbsolute, join, resolve } from 'node:path'

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The user's home: HOME, else what the system knows of the account. */
export function homeFolder(env: Environment): string {
  try {
    // Loading it takes longer than most commands, and most have HOME.
    return env['HOME'] || process.getBuiltinModule('node:os').homedir()
  } catch {
    // Users whom the system does not know, as containers have them, are given this one by their runtimes too.
    return '/'
  }
}

/**
 * Whose files are followed in the folder that somebody happens to stand in: one's own, root's, and for root those of the
 * one who typed `sudo`, as in git's safe.directory. Whoever may write to /tmp decides what lies there.
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

/** Where programs keep a user's settings, data or logs: XDG Base Directory Specification, which has relative paths ignored. */
export function userFolder(env: Environment, name: keyof typeof userFolders): string {
  const set = env[name]
  return set !== undefined && isAbsolute(set) ? set : join(homeFolder(env), userFolders[name])
}

/**
 * An absolute path from one that was typed in a folder. `~/` is the home, also where no shell has seen it: `--to=~/x`, a
 * variable of a service, an answer. Nobody means a folder of that name, and who does writes `./~/`.
 */
export const located = (typed: string, folder: string, home: string): string =>
  resolve(
    folder,
    typed.replace(/^~(?=\/)/, () => home),
  )
