/** The worker of `thread.ts`: does one task, answers, and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { copyTo, openPrivate } from '../../../db/sqlite/copy.ts'
import { copyFrozen } from '../../../db/sqlite/freeze.ts'
import { dropUnsealed, hasUnsealed } from '../../../db/sqlite/unsealed.ts'
import { examine } from './contents.ts'
import type { Answer, Task } from './thread.ts'

function perform(task: Task): unknown {
  if (task.kind === 'examine') return examine(task)
  const frozen = task.fast && copyFrozen(task.source, task.target)
  if (!frozen) copyTo(task.source, task.target)
  withoutUnsealed(task.target)
  return { frozen }
}

/** Who restores it goes on without a log that was half stored, and counts it again. */
function withoutUnsealed(copy: string): void {
  using client = openPrivate(copy)
  if (!hasUnsealed(client)) return
  client.run('BEGIN')
  dropUnsealed(client)
  client.run('COMMIT')
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
