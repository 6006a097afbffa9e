/** A dry run of every command. */
import { expect, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import {
  about,
  changes,
  everyCommand,
  parsed,
  type Run,
  resultProblems,
  type Scene,
  splitLine,
  tables,
  withoutYes,
  writes,
} from '../testing/every-command.ts'

const { prepared, runEach } = everyCommand()

test('a dry run of every command prints the outcome and changes nothing', async () => {
  const scene: Scene = {
    words: words => [...withoutYes(words), '--dry-run', '--json'],
    only: writes,
  }
  const rows = tables(copyOfPrepared())
  const problems = await runEach(scene, run => {
    const problems = resultProblems(run, 0, 'Dry run: nothing was changed.\n')
    for (const each of [parsed(run.ran.out) as object].flat()) {
      if (!('dryRun' in each && each.dryRun === true)) problems.push('does not say that it was a dry run')
    }
    return about(run.path, [...problems, ...changedRows(run, rows)])
  })
  expect(problems.length).toBeGreaterThan(20)
  expect(problems.flat()).toEqual([])
})

/** Only the database may differ in its bytes, and not in its rows. */
function changedRows(run: Run, rows: ReturnType<typeof tables>): readonly string[] {
  const now = tables(join(run.folder, 'latchkey.db'))
  return [
    ...changes(run).filter(change => !change.startsWith('changed latchkey.db:')),
    ...[...new Set([...Object.keys(rows), ...Object.keys(now)])]
      .filter(table => !Bun.deepEquals(rows[table], now[table]))
      .map(table => `changed the table ${table}`),
  ]
}

test('a dry run says what would be done, and not that it was', async () => {
  const others: Readonly<Record<string, string>> = {
    'backup schedule': "backup schedule --cron '17 3 * * *' --log backup.log",
    man: 'man --dir pages',
  }
  const scene: Scene = {
    words: (words, path) => [...(path in others ? splitLine(others[path]!) : withoutYes(words)), '--dry-run'],
    only: writes,
  }
  const rows = tables(copyOfPrepared())
  const problems = await runEach(scene, run => {
    const { code, out, err } = run.ran
    const problems = [...changedRows(run, rows)]
    if (code !== 0) problems.push(`exits ${code}: ${err}`)
    if (!err.endsWith('Dry run: nothing was changed.\n')) problems.push(`says on stderr: ${err}`)
    // Where all fits there is nothing to mend.
    if (!(run.path === 'usage check' ? /^The totals of/ : /^Would \w/).test(out))
      problems.push(`says: ${out}`)
    // The id of something that is not made is none.
    if (/ create$/.test(run.path) && /\b[a-z]{3}_[0-9a-z]{26}\b/.test(out))
      problems.push(`shows an id: ${out}`)
    return about(run.path, problems)
  })
  expect(problems.length).toBeGreaterThan(20)
  expect(problems.flat()).toEqual([])
})

function copyOfPrepared(): string {
  const copy = prepared.file('copy.db')
  cpSync(prepared.file('data', 'latchkey.db'), copy)
  return copy
}
