/** Where a user's own files lie: by the environment, else by the system's account. Must never fail. */
import { resolve } from 'node:path'

export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  try {
    // Loading it takes longer than most commands, and most have HOME.
    return env['HOME'] || process.getBuiltinModule('node:os').homedir()
  } catch {
    // Users whom the system does not know, as containers have them, are given this one by their runtimes too.
    return '/'
  }
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
