/** Every command where nobody is there to answer it, and a reader that has seen enough. */
import { expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { exitCodes } from '../contract/errors.ts'
import { connectLatchkey } from '../index.ts'
import {
  about,
  changes,
  declarationOf,
  everyCommand,
  failureProblems,
  limitMs,
  type Scene,
  splitLine,
  withoutYes,
  writes,
} from '../testing/every-command.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { processEnvironment, program } from '../testing/process.ts'

const { lines, runEach } = everyCommand()

test('a reader who has seen enough ends a list of thousands without a word', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  const latchkey = connectLatchkey({ path: db })
  await latchkey.initialize()
  await latchkey.keys.createMany({ name: 'batch' }, 2_000)
  await latchkey.close()
  const shell = Bun.spawn(
    ['bash', '-o', 'pipefail', '-c', '"$@" key list --json | head -c 1', 'bash', ...program],
    {
      env: processEnvironment({ db }),
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: limitMs,
    },
  )
  const [out, err, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited])
  // With pipefail 0 is the exit code of both.
  expect({ out, err, code }).toEqual({ out: '[', err: '', code: 0 })
})

test('what was done is not reported as a failure if nobody can be told, and what shows it is named', async () => {
  /** As they are called here, some change nothing, and some print no result. */
  const unchanging = ['backup schedule', 'config unset', 'man', 'usage check']
  const silent = [
    'backup unschedule',
    ...['user', 'project', 'org', 'team'].map(noun => `${noun} limit remove`),
  ]
  /** Not the terminals of people: its second signal would end it. */
  const scene: Scene = { fullStdout: true, only: path => writes(path) && path !== 'serve' }
  const showing: Record<string, string> = {}
  const problems = await runEach(scene, run => {
    const { code, err } = run.ran
    if (silent.includes(run.path)) return about(run.path, code === 0 ? [] : [`exits ${code}: ${err}`])
    if (unchanging.includes(run.path)) return about(run.path, failureProblems(run, { exit: 78 }, false))
    const reveals = /^latchkey: the \w+ of .* is lost: .*\ntry: c.*: latchkey (\w+ \w+)/.exec(err)
    const [, line] = /: it was done, but stdout could not .*\ntry: before .* with: (.*)\n$/.exec(err) ?? []
    if (line?.startsWith('latchkey ')) showing[run.path] = line.replace('latchkey ', '')
    return about(run.path, [
      ...failureProblems(run, { exit: 8 }, false),
      ...(reveals || line ? [] : [`does not say what was done: ${err}`]),
    ])
  })
  expect(problems.length).toBeGreaterThan(70)
  expect(problems.flat()).toEqual([])
  const shown = await runEach(
    { words: (_, path) => splitLine(showing[path]!), only: path => path in showing && path !== 'init' },
    run => about(run.path, run.ran.code === 0 ? [] : [`${showing[run.path]}: ${run.ran.err}`]),
  )
  expect(shown.flat()).toEqual([])
  expect(showing).not.toHaveProperty(['key create'])
  expect(showing).toMatchObject({
    init: '--db fresh.db audit list',
    'key limit set': 'key limit list ci',
    'project file put': 'project file list shop',
    'project state phase add': 'project state show shop',
    'usage record': 'usage report',
    'usage price set': 'usage price list',
    'user delete': 'user list',
    restore: 'audit list',
  })
})

test('with nobody there a command that takes away refuses, and one that wants a secret says so', async () => {
  // All others have run above on an empty stdin.
  const scene: Scene = {
    asProcess: () => true,
    noSecret: true,
    words: withoutYes,
    only: path => path === 'key verify' || declarationOf(path).effect === 'destroy',
  }
  const problems = await runEach(scene, run => {
    const exit = run.path === 'key verify' ? 2 : 6
    return about(run.path, [...failureProblems(run, { exit }, false), ...changes(run)])
  })
  expect(problems.length).toBeGreaterThan(5)
  expect(problems.flat()).toEqual([])
})

test('without a single argument every command ends, and a failure says what to try', async () => {
  const scene: Scene = {
    noSecret: true,
    words: (_, path) => path.split(' '),
    // The others have no argument to leave out, and have run above.
    only: path => lines[path] !== path,
  }
  const problems = await runEach(scene, run => {
    const { args, effect, options } = declarationOf(run.path)
    const incomplete =
      Object.values(args).some(
        // Without the options that make do without it, it is needed.
        arg => typeof arg === 'string' || arg.unless || !['optional', 'any'].includes(arg.kind),
      ) ||
      Object.values(options).some(option => option.required) ||
      run.path === 'chat prune'
    if (incomplete || run.path === 'key verify')
      return about(run.path, failureProblems(run, { exit: 2 }, false))
    if (effect === 'destroy') return about(run.path, failureProblems(run, { exit: 6 }, false))
    // SHELL names none.
    if (run.path === 'completion install') return about(run.path, failureProblems(run, { exit: 2 }, false))
    // Both are for a database that is not there, or empty.
    if (['init', 'seed'].includes(run.path)) return about(run.path, failureProblems(run, { exit: 5 }, false))
    // The port it takes when nothing is said may be somebody's.
    if (['serve', 'db studio'].includes(run.path) && run.ran.code === exitCodes.conflict) return []
    return run.ran.code === 0
      ? []
      : about(run.path, [`exits ${run.ran.code} ${run.ran.signal}: ${run.ran.err}`])
  })
  expect(problems.flat()).toEqual([])
})

test('every failure for people leaves stdout empty and says what to try', async () => {
  // How a failure looks is decided in one place: one command of each noun tells as much as all of them.
  const some = ['user show', 'project create', 'key list', 'usage record', 'import glm-proxy', 'migrate up']
  some.push('backup create', 'audit list', 'health')
  const scene: Scene = { spoil: db => rmSync(db), only: path => some.includes(path) }
  const problems = await runEach(scene, run => about(run.path, failureProblems(run, { exit: 78 }, false)))
  expect(problems).toHaveLength(some.length)
  expect(problems.flat()).toEqual([])
})
