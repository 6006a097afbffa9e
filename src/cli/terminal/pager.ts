import type { Environment } from '../../system/home.ts'
/** Runs the pager. The only place that lends the terminal to another program. Waits until the pager has given it back. */

/**
 * The shell runs `command`, as POSIX requires for PAGER
 * (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/man.html). Returns false if it could not be found or run.
 */
export async function page(command: string, text: string, env: Environment): Promise<boolean> {
  // Ctrl-C belongs to the pager, which stops a search. If we ended, it would share the terminal with the shell.
  process.on('SIGINT', ignore)
  try {
    const child = Bun.spawn(['sh', '-c', command], {
      // If the pager is closed early, the rest is not needed.
      stdin: new Blob([text]),
      stdout: 'inherit',
      stderr: 'inherit',
      // Without a locale, less takes bars and names for binary data.
      env: { LESSCHARSET: 'utf-8', ...env },
    })
    const code = await child.exited
    return code !== notFound && code !== notExecutable
  } catch {
    // There is no shell.
    return false
  } finally {
    process.off('SIGINT', ignore)
  }
}

/** Exit codes of a shell (POSIX, 2.8.2). */
const notFound = 127
const notExecutable = 126
const ignore = (): void => {}
