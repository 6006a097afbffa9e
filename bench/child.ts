/** Runs a command as a process, and measures its time and its peak memory. */
import { readFileSync } from 'node:fs'

export interface Cost {
  readonly ms: number
  readonly peakBytes: number
}

/**
 * The peak is read from /proc while it runs. What the system reports at the end (`ru_maxrss`) includes the memory of
 * the parent process, because the two share it for a moment (getrusage(2), vfork(2)).
 *
 * @throws Error with its output if it fails
 */
export async function measured(command: readonly string[]): Promise<Cost> {
  const began = performance.now()
  const child = Bun.spawn([...command], { stdout: 'ignore', stderr: 'pipe' })
  let peakBytes = 0
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, highWaterBytes(child.pid))
  }, 10)
  const code = await child.exited
  const ms = performance.now() - began
  clearInterval(sampling)
  if (code !== 0) throw new Error(`${command.join(' ')}: ${await child.stderr.text()}`)
  return { ms, peakBytes }
}

/** 0 after it has ended. */
function highWaterBytes(pid: number): number {
  try {
    const [, kibibytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kibibytes) * 1024
  } catch {
    return 0
  }
}
