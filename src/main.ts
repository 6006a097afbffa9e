/**
 * The program: an argument list, an environment and streams in, an exit code out. Must never touch `process`,
 * so that tests drive all of it, and must load nothing that the command at hand does not need.
 */
import { resolve } from 'node:path'
import { tree } from './cli/commands/tree.ts'
import { completionRequest } from './cli/line/walk.ts'
import { repeating, withTypedLine } from './cli/run/next-step.ts'
import { type Main, type Outside, read, run, settle } from './cli/run/run.ts'
import { type Format, settledFormat } from './cli/settings/config.ts'
import { ClosedPipe } from './cli/terminal/streams.ts'
import { failureOf } from './contract/failure.ts'

export const main: Main = async (argv, env, streams, overrides = {}) => {
  const outside: Outside = {
    now: () => new Date(),
    tree,
    stopped: () => new Promise(() => {}),
    program: ['latchkey'],
    ...overrides,
    // A folder that was removed has no path.
    cwd: overrides.cwd ?? resolve('.'),
    env,
    streams,
    main,
  }
  const { cwd } = outside
  if (argv[0] === completionRequest) {
    const { answer } = await import('./cli/completion/complete.ts')
    await streams.stdout.write(await answer(argv.slice(1), env, cwd)).catch(() => undefined)
    return 0
  }
  const invocation = await read(argv, outside)
  let format: Format | undefined
  try {
    if (invocation.kind === 'help') {
      const { text, exit } = invocation
      await (exit === 0 ? streams.stdout : streams.stderr).write(text)
      return exit
    }
    format = invocation.globals.format
    if (invocation.kind === 'refused') throw invocation.error
    const settled = settle(invocation, outside)
    format = settled.config.output
    if (settled.prompts === undefined) return await run(settled, outside)
    const { runAsking } = await import('./cli/ask/wizard.ts')
    return await runAsking(argv, settled, await settled.prompts(), outside)
  } catch (error) {
    if (error instanceof ClosedPipe) return 0
    const { renderFailure } = await import('./cli/run/fail.ts')
    const failure = failureOf(error)
    const again = repeating(invocation.kind === 'help' ? { globals: {} } : invocation)
    const shown = { ...failure, hint: withTypedLine(again(failure.hint), argv) }
    await streams.stderr.write(
      renderFailure(shown, format ?? settledFormat(env, cwd), env['LATCHKEY_DEBUG'] === '1'),
    )
    return failure.exit
  }
}
