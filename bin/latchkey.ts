#!/bin/sh
':' //; exec bun --config=/dev/null --env-file=/dev/null --tsconfig-override=/dev/null "$0" "$@"
/**
 * The line above is for the shell: Bun is to read nothing from the folder it is started in (`src/system/bun-alone.ts`). To Bun it
 * is a string and a comment. `env -S` would do too, but BusyBox has none.
 *
 * Hands the process to main() and main's exit code to the process. Must never call process.exit() before main is done,
 * which would cut a pipe short, and installs no signal handler, which would wait for a running query: the one command
 * that has requests to finish asks for it.
 */
import manifest from '../package.json' with { type: 'json' }
import { signals } from './signals.ts'

const wanted = manifest.engines.bun
if (typeof Bun === 'undefined' || !Bun.semver.satisfies(Bun.version, wanted)) {
  const found = typeof Bun === 'undefined' ? 'another runtime' : `Bun ${Bun.version}`
  process.stderr.write(`latchkey: Bun ${wanted} is needed, this is ${found}\ntry: bun upgrade\n`)
  process.exitCode = 78
} else if (!(process.argv.length === 3 && process.argv[2] === '--version' && (await saidVersion()))) {
  // Most commands are over before machine code would pay for itself; those that are not get it.
  Bun.unsafe.setJITPolicy(100)
  setTimeout(() => Bun.unsafe.setJITPolicy(1), 100).unref()
  // Loaded only now, so that an old Bun gets as far as the message above.
  const [{ main }, { streams }, { bunAlone }] = await Promise.all([
    import('../src/main.ts'),
    import('./streams.ts'),
    import('../src/system/bun-alone.ts'),
  ])
  const { stopped, isStopping } = signals()
  const open = await streams(isStopping)
  process.exitCode = await main(process.argv.slice(2), process.env, open, {
    cwd: folder(),
    stopped,
    program: Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, ...bunAlone, Bun.main],
  })
  // All of stdout has been taken. Lines of a log that nobody reads any more must not keep the process.
  await Promise.race([open.stderr.write(''), Bun.sleep(2_000)])
  process.exit()
}

/** Where it was started, also when that folder is gone by now: whoever gives whole paths needs none. */
function folder(): string {
  try {
    return process.cwd()
  } catch {
    return process.env['PWD'] ?? '/'
  }
}

/** What scripts and installers ask most takes none of the rest, unless it cannot be written. */
async function saidVersion(): Promise<boolean> {
  return Bun.write(Bun.stdout, `latchkey ${manifest.version}\n`).then(
    () => true,
    () => false,
  )
}
