/** The files and folders that commands make. */
import { expect, test } from 'bun:test'
import { about, everyCommand, type Scene, splitLine, writes } from '../testing/every-command.ts'

const { runEach } = everyCommand()

test('whatever the umask, no command makes a file or folder that others may write to, and secrets are private', async () => {
  const makes: Readonly<Record<string, string>> = {
    init: 'init --db new/folder/fresh.db',
    'backup create': 'backup create --to new/backups',
    'completion install': 'completion install fish --dir new/completions',
    man: 'man --dir new/pages',
    'key create': 'key create new --out secret.txt',
    'key rotate': 'key rotate ci --out secret.txt',
    'usage report': 'usage report --html page.html',
    'backup schedule': "backup schedule --cron '17 3 * * *' --systemd --print",
  }
  const open = ['new/completions', 'new/pages']
  const scene: Scene = {
    openUmask: true,
    words: (words, path) => (path in makes ? splitLine(makes[path]!) : words),
    only: path => path === 'usage report' || writes(path),
  }
  const problems = await runEach(scene, run => {
    const made = Object.entries(run.after()).filter(([name]) => !(name in run.before))
    return about(run.path, [
      ...(run.ran.code === 0 ? [] : [`exits ${run.ran.code}: ${run.ran.err}`]),
      ...(run.path in makes && made.length === 0 && !makes[run.path]!.endsWith('--print')
        ? ['makes nothing']
        : []),
      ...made.flatMap(([name, state]) => {
        const mode = Number.parseInt(state, 8)
        const isOpen = name === 'new' || open.some(folder => name.startsWith(folder))
        return mode & (isOpen ? 0o022 : 0o077) ? [`makes ${name} with mode ${mode.toString(8)}`] : []
      }),
    ])
  })
  expect(problems.length).toBeGreaterThan(20)
  expect(problems.flat()).toEqual([])
})
