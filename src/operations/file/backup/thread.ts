/**
 * Runs SQLite's long calls in a thread, so that the main thread can show progress, pack, serve requests and react to
 * interrupts.
 */
import { Worker } from 'node:worker_threads'
import { type ErrorCode, LatchkeyError } from '../../../contract/errors.ts'
import { sizeOf } from '../../../system/files.ts'
import { type Examination, type ExaminationTask, examine } from './contents.ts'
import { type CopyTask, copyLive } from './live-copy.ts'

/** The tasks of the thread, with their inputs and results. */
export interface Tasks {
  readonly copy: { readonly input: CopyTask; readonly output: ReturnType<typeof copyLive> }
  readonly examine: { readonly input: ExaminationTask; readonly output: Examination }
}

export type Task = { [K in keyof Tasks]: { readonly kind: K } & Tasks[K]['input'] }[keyof Tasks]

/** The answer of the thread. Errors lose their class on the way. */
export type Answer =
  | { readonly output: unknown }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } }

/** In a compiled program modules are bundled, and only entry points keep their path. */
const program = Bun.isStandaloneExecutable
  ? new URL('file:///$bunfs/root/src/operations/file/backup/worker.js')
  : new URL('./worker.ts', import.meta.url)

/** Examines a private copy; a small one in this thread, because starting another would take longer. */
export const look = async (task: ExaminationTask): Promise<Examination> =>
  sizeOf(task.path) <= smallBytes ? examine(task) : inThread('examine', task)

/** Copies a live database of this size, likewise. The fast way may wait for others, so never here. */
export const take = async (task: CopyTask, bytes: number): Promise<{ readonly frozen: boolean }> =>
  bytes <= smallBytes && !task.fast ? copyLive(task) : inThread('copy', task)

const smallBytes = 1_048_576

/** Throws what the same call would throw in this thread. */
async function inThread<K extends keyof Tasks>(
  kind: K,
  input: Tasks[K]['input'],
): Promise<Tasks[K]['output']> {
  const worker = new Worker(program, { workerData: { kind, ...input } })
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', code => reject(new Error(`the thread that does the ${kind} ended with ${code}`)))
    })
    if ('error' in answer) throw revive(answer.error)
    return answer.output as Tasks[K]['output']
  } finally {
    await worker.terminate()
  }
}

function revive({ code, message, hint }: Extract<Answer, { error: unknown }>['error']): Error {
  if (hint !== null) return new LatchkeyError(code as ErrorCode, message, hint)
  return Object.assign(new Error(message), { code })
}
