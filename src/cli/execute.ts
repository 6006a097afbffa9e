/**
 * Runs a declaration: check the output, confirm, run, present. The only place that decides on dry runs and
 * confirmations, from the declared effect, so that no command can forget them.
 */
import type { Brush } from './brush.ts'
import type { Context } from './context.ts'
import type { Declaration } from './define.ts'
import { checkPresentation, isForPeople, type Presentation, present } from './present.ts'
import { ClosedPipe, type Streams } from './streams.ts'

export interface Execution {
  readonly declaration: Declaration
  readonly input: Record<string, unknown>
  readonly context: Context
  readonly presentation: Presentation
  /** Whether every confirmation was given beforehand. */
  readonly yes: boolean
  readonly streams: Streams
  readonly brush: () => Promise<Brush>
}

/** Exit code of the run. Throws what the command throws. */
export async function execute(execution: Execution): Promise<number> {
  const { declaration, context, presentation, streams } = execution
  checkPresentation(declaration, presentation)
  const result = await confirmAndRun(execution)
  try {
    await present(declaration, result, presentation, streams.stdout, execution.brush)
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error
  }
  if (isForPeople(presentation.format)) {
    const isEmpty = Array.isArray(result) && result.length === 0
    if (isEmpty && declaration.empty !== undefined) await context.notice(declaration.empty)
    const notice = declaration.notice?.(result)
    if (notice !== undefined) await context.notice(notice)
  }
  if (context.dryRun) await context.notice('Dry run: nothing was changed.')
  return declaration.exit?.(result) ?? 0
}

/** Closes what the command opened, whatever happened; its own failure comes before that of closing. */
async function confirmAndRun(execution: Execution): Promise<unknown> {
  const { declaration, input, context } = execution
  let result: unknown
  try {
    await confirm(execution)
    result = await declaration.run(context, input)
  } catch (error) {
    await context.close().catch(() => undefined)
    throw error
  }
  await context.close()
  return result
}

async function confirm({ declaration, input, context, yes }: Execution): Promise<void> {
  if (declaration.effect !== 'destroy' || yes || context.dryRun) return
  const question = { question: `${declaration.summary}?` }
  // Off a terminal the question would open the database only to refuse: refuse first.
  const ask = context.interactive && declaration.confirm ? declaration.confirm(context, input) : question
  await context.confirm(await ask)
}
