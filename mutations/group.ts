/** Runs a program in its own process group, so that all its children end with it. */

/** Its stderr, and how it ended. */
export interface Ended {
  readonly said: string
  readonly code: number
  readonly signal: string | null
}

export interface GroupOptions {
  readonly cwd: string
  readonly longestMs: number
  /** More variables than those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** Ends the group when the program has ended, or after `longestMs`. */
export async function runInGroup(
  command: readonly string[],
  { cwd, longestMs, env = {} }: GroupOptions,
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const end = () => endGroup(child.pid)
  const timer = setTimeout(end, longestMs)
  process.once('exit', end)
  try {
    // Remaining processes of the group may keep stderr open.
    const exited = child.exited.then(code => {
      end()
      return code
    })
    const [said, code] = await Promise.all([child.stderr.text(), exited])
    return { said, code, signal: child.signalCode === null ? null : String(child.signalCode) }
  } finally {
    clearTimeout(timer)
    process.off('exit', end)
  }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // No process is left.
  }
}
