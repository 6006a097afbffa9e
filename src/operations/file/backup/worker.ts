/** The worker of `thread.ts`: does one task, answers, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { copyTo } from '../../../db/sqlite/copy.ts'
import { copyFrozen } from '../../../db/sqlite/freeze.ts'
import { examine } from './contents.ts'
import type { Answer, Task } from './thread.ts'

function perform(task: Task): unknown {
  if (task.kind === 'examine') return examine(task)
  const frozen = task.fast && copyFrozen(task.source, task.target)
  if (!frozen) copyTo(task.source, task.target)
  return { frozen }
}

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
