/**
 * Runs a declaration: checks the output format, confirms, runs, presents. The only place that decides on dry runs and
 * confirmations, by the declared effect, so that no command can forget them.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Brush } from '../declare/brush.ts'
import type { Confirmation, Context, Declaration, Revealed } from '../declare/declaration.ts'
import { isSame } from '../declare/define.ts'
import { checkPresentation, isDrawn, isForPeople, isStream, present } from '../draw/present.ts'
import type { Presentation } from '../draw/presentation.ts'
import { printable } from '../terminal/printable.ts'
import { ClosedPipe, type Streams } from '../terminal/streams.ts'
import type { Done } from './undelivered.ts'

export interface Execution {
  readonly declaration: Declaration
  readonly input: Record<string, unknown>
  /** What was typed. */
  readonly done: Omit<Done, 'tree'>
  readonly context: Context
  readonly presentation: Presentation
  /** A context to try the command in, which changes nothing. */
  readonly rehearsal: () => Context
  /** Whether nothing is printed on success, except requested ids. */
  readonly quiet: boolean
  /** Whether confirmations are given in advance, with --yes. */
  readonly yes: boolean
  readonly streams: Streams
  readonly brush: () => Promise<Brush>
}

/** Exit code of the run. Throws what the command throws. */
export async function execute(execution: Execution): Promise<number> {
  const { declaration, context, presentation, streams } = execution
  checkPresentation(declaration, presentation, execution.input)
  const isSilent = execution.quiet && presentation.format !== 'name'
  const unread = streams.stdout.isClosed ? closed : isSilent ? quiet : undefined
  const promised = context.dryRun ? undefined : declaration.revealsSecret?.(execution.input)
  if (unread !== undefined && promised !== undefined) throw unread(promised, declaration)
  const { input, result } = await confirmAndRun(execution)
  const code = isStream(result) ? 0 : (declaration.exit?.(result) ?? 0)
  try {
    if (!isSilent || code !== 0)
      await present(declaration, input, result, presentation, streams.stdout, execution.brush)
    else if (isStream(result)) await Array.fromAsync(result, () => undefined)
  } catch (error) {
    const failure = await undelivered(execution, input, result, error)
    if (!(failure instanceof ClosedPipe)) throw failure
  } finally {
    await context.close()
  }
  if (isForPeople(presentation.format)) {
    const isEmpty = Array.isArray(result) && result.length === 0
    const { empty: none, noMatch } = declaration.prints
    const empty = (isChosen(declaration, input) ? noMatch : undefined) ?? none
    if (isEmpty && empty !== undefined) await context.notice(empty)
    // The text depends on what was done.
    const notice = context.dryRun ? undefined : declaration.notice?.(result, input)
    if (notice !== undefined) await context.notice(notice)
  }
  if (context.dryRun) await context.notice('Dry run: nothing was changed.')
  return code
}

type Unread = (secret: Revealed<unknown>, declaration: Declaration) => LatchkeyError

const closed: Unread = ({ field }, declaration) =>
  new LatchkeyError(
    'usage',
    `the ${field} is shown only once, but stdout is closed`,
    `open stdout${elsewhere(field, declaration)}`,
  )

const quiet: Unread = ({ field }, declaration) =>
  new LatchkeyError(
    'usage',
    `the ${field} is shown only once, but --quiet prints nothing`,
    `leave out --quiet${elsewhere(field, declaration)}`,
  )

const elsewhere = (field: string, { options }: Declaration): string =>
  'out' in options ? `, or write the ${field} to a new file with --out FILE` : ''

/** Whether rows were left out by what was given. A limit alone hides none if there are none. */
const isChosen = ({ args, options }: Declaration, input: Record<string, unknown>): boolean =>
  [...Object.keys(args).filter(name => args[name]?.kind === 'optional'), ...Object.keys(options)].some(
    name => name !== 'limit' && input[name] !== undefined && input[name] !== false,
  )

/**
 * The error of a run whose result could not be written: `cause` if nothing was changed. A lost secret is a failure even
 * if the reader has gone.
 */
async function undelivered(
  { declaration, context, done, brush }: Execution,
  input: Record<string, unknown>,
  result: unknown,
  cause: unknown,
): Promise<unknown> {
  if (context.dryRun || declaration.effect === 'read') return cause
  const { lostSecret, untold } = await import('./undelivered.ts')
  const secret = declaration.revealsSecret?.(input)
  const lost = secret && lostSecret(secret, result, cause)
  if (lost !== undefined || cause instanceof ClosedPipe) return lost ?? cause
  const changed = declaration.would?.(result, await brush(), input) !== undefined && !isSame(result)
  return changed ? untold({ ...done, tree: context.tree }, result, cause) : cause
}

interface Outcome {
  /** The input of the run: what was typed, limited to what was confirmed. */
  readonly input: Record<string, unknown>
  readonly result: unknown
}

/**
 * Closes what the command opened, unless a stream is still being read. An error of the command takes precedence over an
 * error of closing.
 */
async function confirmAndRun(execution: Execution): Promise<Outcome> {
  const { declaration, context, presentation } = execution
  let outcome: Outcome
  try {
    const { binds, proceed } = (await confirm(execution)) ?? {}
    const input = { ...execution.input, ...binds }
    const result = await (proceed?.() ?? declaration.run(context, input))
    if (isStream(result) && !isDrawn(declaration, presentation.format)) return { input, result }
    outcome = { input, result: isStream(result) ? await Array.fromAsync(result) : result }
  } catch (error) {
    await context.close().catch(() => undefined)
    throw error
  }
  await context.close()
  return outcome
}

/** Whether it is confirmed before it runs. */
export const isConfirmed = (declaration: Declaration, input: Record<string, unknown>): boolean =>
  declaration.asks?.(input) ?? declaration.effect === 'destroy'

/** What was confirmed; nothing if nothing is asked. */
async function confirm(execution: Execution): Promise<Confirmation | undefined> {
  const { declaration, input, context, yes, streams } = execution
  if (!isConfirmed(declaration, input) || yes || context.dryRun) return undefined
  if (declaration.goesAheadAlone && !context.interactive) return undefined
  const question: Confirmation = { question: `${declaration.summary}?` }
  // If nobody can be asked, refuse before the question opens the database.
  const ask = context.interactive && declaration.confirm ? declaration.confirm(context, input) : question
  const confirmation = await ask
  // Preparing the question may have taken long.
  await context.endProgress()
  if (confirmation === undefined) return undefined
  if (confirmation.proceed === undefined) await rehearse(execution, confirmation.binds)
  const { list } = confirmation
  if (list && list.rows.length > 0) {
    const { drawTable } = await import('../draw/table.ts')
    const brush = await execution.brush()
    const columns = list.columns.filter(column => !column.wide)
    await streams.stderr.write(`${await drawTable(columns, list.rows.slice(0, mostListed), brush)}\n`)
    if (list.rows.length > mostListed) await context.notice(`and ${list.rows.length - mostListed} more`)
  }
  const { db, profileInUse } = context.config
  const profile = profileInUse === undefined ? '' : `, profile ${profileInUse}`
  const about = `Database ${confirmation.database ?? db}${profile}`
  await context.confirm({ ...confirmation, question: printable(`${confirmation.question}\n${about}`) })
  return confirmation
}

/** Report errors before asking. */
async function rehearse(
  { declaration, input, context, rehearsal }: Execution,
  binds: Confirmation['binds'],
): Promise<void> {
  if (!context.interactive) return
  const trial = rehearsal()
  try {
    await declaration.run(trial, { ...input, ...binds })
  } finally {
    await trial.close()
  }
}

/** As many as a person will read. */
const mostListed = 100
