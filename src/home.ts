/** Where a user's own files lie: by the environment, else by the system's account. Must never fail. */
import { homedir } from 'node:os'

export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return env['HOME'] || homedir()
  } catch {
    // Users whom the system does not know, as containers have them, are given this one by their runtimes too.
    return '/'
  }
}
