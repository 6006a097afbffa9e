/** This process and others. */
import { codeOf } from '../contract/failure.ts'

/** The id of this process, used in the names of its temporary files. */
export const ownPid: number = process.pid

/** Whether a process with this id is running, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
