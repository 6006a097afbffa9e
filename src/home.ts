/** Where a user's own files lie: by the environment, else by the system's account. Must never fail. */

export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  try {
    // Loading it takes longer than most commands, and most have HOME.
    return env['HOME'] || process.getBuiltinModule('node:os').homedir()
  } catch {
    // Users whom the system does not know, as containers have them, are given this one by their runtimes too.
    return '/'
  }
}
