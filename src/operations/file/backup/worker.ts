/** The worker of `thread.ts`: does one task, answers, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { examine } from './contents.ts'
import { copyLive } from './live-copy.ts'
import type { Answer, Task } from './thread.ts'

const perform = (task: Task): unknown => (task.kind === 'examine' ? examine(task) : copyLive(task))

function answer(task: Task): Answer {
  try {
    return { output: perform(task) }
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error))
    return error instanceof LatchkeyError
      ? { error: { code: error.code, message, hint: error.hint } }
      : { error: { code: codeOf(error), message, hint: null } }
  }
}

parentPort?.postMessage(answer(workerData as Task))
