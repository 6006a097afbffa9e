import type { Environment } from '../../system/home.ts'
/**
 * Runs the pager that a person reads a long list in. The only place that lends the terminal to another program; must
 * never end the process, nor leave it before the pager has given the terminal back.
 */

/**
 * `command` is run by the shell, as POSIX asks of PAGER
 * (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/man.html). False when that could not be found or run.
 */
export async function page(command: string, text: string, env: Environment): Promise<boolean> {
  // Ctrl-C is for the pager, which stops searching by it; without us it would be left with a terminal it shares.
  process.on('SIGINT', ignore)
  try {
    const child = Bun.spawn(['sh', '-c', command], {
      // Of a pager that is left early, what it did not read is nobody's loss.
      stdin: new Blob([text]),
      stdout: 'inherit',
      stderr: 'inherit',
      // Without a locale less takes bars and names for binary.
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

/** What a shell exits with (POSIX, 2.8.2). */
const notFound = 127
const notExecutable = 126
const ignore = (): void => {}
