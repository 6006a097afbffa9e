/** Every command, for a program that reads what it prints. */
import { expect, test } from 'bun:test'
import {
  about,
  commands,
  everyCommand,
  printsJson,
  resultProblems,
  withJson,
} from '../testing/every-command.ts'
import { requireTool } from '../testing/tools.ts'

const { lines, runEach } = everyCommand()

test('every command takes part in what is claimed of all', () => {
  expect(
    commands.map(({ path }) => path).filter(path => !(path in lines)),
    'add a line for it in src/testing/every-command.ts',
  ).toEqual([])
  expect(Object.keys(lines).filter(path => !commands.some(command => command.path === path))).toEqual([])
})

/** One of each noun: what a process adds is the same for all. The compiled program is tried on every command. */
const isFirstOfNoun = (path: string): boolean =>
  path === commands.find(command => command.path.split(' ')[0] === path.split(' ')[0])?.path

/** Run once for the two tests that look at it. */
const documents = memo(() =>
  runEach({ asProcess: isFirstOfNoun, words: withJson, only: printsJson }, run => ({
    path: run.path,
    out: run.ran.out,
    problems: resultProblems(run, 0),
  })),
)

test('every command prints one JSON document that fits its schema, and nothing else, with nobody there', async () => {
  expect((await documents()).flatMap(({ path, problems }) => about(path, problems))).toEqual([])
})

requireTool('jq')('jq accepts what every command prints as one document', async () => {
  const filter = `map(.path as $path | try (.out | fromjson | if . == null then error("null") else empty end)
    catch "\\($path): \\(.)")`
  const jq = Bun.spawn(['jq', '-c', filter], {
    stdin: new Blob([JSON.stringify(await documents())]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect([await jq.stdout.text(), await jq.stderr.text(), await jq.exited]).toEqual(['[]\n', '', 0])
})

function memo<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
