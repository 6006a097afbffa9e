import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BackupScene, backupScene } from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import { spawnLatchkey } from '../../../testing/process.ts'
import { requirePresent, requireTool } from '../../../testing/tools.ts'
import type { FileContext } from '../../context.ts'
import { planSchedule, scheduleBackups, unscheduleBackups } from './schedule.ts'
import { calendarOf } from './systemd-calendar.ts'

let scene: BackupScene
let context: FileContext
let programs: string
beforeEach(async () => {
  scene = await backupScene()
  programs = scene.folder.file('programs')
  Bun.spawnSync(['mkdir', programs])
  context = {
    ...scene.context,
    env: { HOME: scene.folder.path, PATH: `${programs}:/usr/bin:/bin`, SPOOL: scene.folder.file('spool') },
  }
})
afterEach(() => scene[Symbol.dispose]())

function install(name: string, script: string): void {
  const path = join(programs, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

/** Keeps to the manners of the real one, in a file. */
const standIn = `case "$1" in
-l) [ -f "$SPOOL" ] && cat "$SPOOL" || { echo "no crontab for tester" >&2; exit 1; } ;;
-) cat > "$SPOOL" ;;
-r) rm "$SPOOL" ;;
esac`

const job = () => ({
  cron: '17 3 * * *',
  command: ['/opt/bun', '/opt/latch key.ts', 'backup', 'create', "it's 100%"],
  folder: scene.folder.path,
})
/** What must hold for a stand-in and for the real program alike. */
async function comesAndGoes(read: () => string, write: (text: string) => void): Promise<void> {
  const others = '# mine\n\n5 4 * * sun  /bin/true   # weekly\nMAILTO=""\n'
  write(others)
  const { entries, name } = await scheduleBackups(context, job())
  const [entry] = entries
  expect(read()).toBe(`${others}${entry?.content}\n`)
  expect(entry?.content).toStartWith('17 3 * * * cd ')
  expect(entry?.content).toContain(`'/opt/latch key.ts' backup create 'it'\\''s 100\\%'`)
  expect(entry?.content).toEndWith(` # ${name}`)

  await scheduleBackups(context, { ...job(), cron: '@daily' })
  expect(
    read()
      .split('\n')
      .filter(line => line.endsWith(name)),
  ).toHaveLength(1)
  expect(read()).toContain('\n@daily cd ')

  const another = { ...context, path: scene.folder.file('another.db') }
  await scheduleBackups(another, job())
  const theirs = read().split('\n').at(-2) ?? ''
  const disabled = `#17 3 * * * something # ${name}\n`
  write(`${read()}${disabled}`)
  expect(await unscheduleBackups({ ...context, dryRun: true })).toHaveLength(1)
  expect(await unscheduleBackups(context)).toMatchObject([{ manager: 'crontab', changed: true }])
  expect(read()).toBe(`${others}${theirs}\n${disabled}`)
  expect(await unscheduleBackups(context)).toEqual([])
}

test('a line comes into the crontab and goes again, and every other stays byte for byte', async () => {
  install('crontab', standIn)
  const spool = scene.folder.file('spool')
  await comesAndGoes(
    () => readFileSync(spool, 'utf8'),
    text => writeFileSync(spool, text),
  )
})

const mayMakeUsers = process.getuid?.() === 0 && Bun.which('useradd') !== null
const withCrontab = mayMakeUsers ? requireTool('crontab') : requirePresent(false, 'the right to make a user')
withCrontab('the real crontab takes it, too', async () => {
  const user = `latchkey-${process.pid}`
  expect(Bun.spawnSync(['useradd', '--no-create-home', user]).success).toBe(true)
  try {
    const crontab = Bun.which('crontab') ?? ''
    install('crontab', `exec ${crontab} -u ${user} "$@"`)
    const call = (word: string, stdin = '') =>
      Bun.spawnSync([crontab, '-u', user, word], { stdin: Buffer.from(stdin) }).stdout.toString()
    await comesAndGoes(
      () => call('-l'),
      text => call('-', text),
    )
  } finally {
    Bun.spawnSync([Bun.which('crontab') ?? '', '-u', user, '-r'])
    Bun.spawnSync(['userdel', user])
  }
})

test('the last line gone, the crontab is gone', async () => {
  install('crontab', standIn)
  await scheduleBackups(context, job())
  expect(existsSync(scene.folder.file('spool'))).toBe(true)
  await unscheduleBackups(context)
  expect(existsSync(scene.folder.file('spool'))).toBe(false)
})

test('the line takes a backup in the bare environment that cron gives, with variables from a file', async () => {
  install('crontab', standIn)
  const keys = scene.folder.write('keys.env', 'LATCHKEY_ACTOR=nightly\n')
  const scheduled = await spawnLatchkey(
    ['backup', 'schedule', '--cron', '17 3 * * *', '--to', scene.context.backupDir, '--env-file', keys],
    {
      env: { ...context.env, XDG_STATE_HOME: scene.folder.file('state') },
      db: context.path,
      cwd: scene.folder.path,
    },
  )
  expect(scheduled).toMatchObject({ code: 0, err: '' })
  expect(scheduled.out).toContain('Scheduled in your crontab')
  const [line = ''] = readFileSync(scene.folder.file('spool'), 'utf8').split('\n')
  expect(line).not.toMatch(/ (latchkey|bun) /)
  // As cron does: what follows the five fields, with \% as %.
  const command = line.split(' ').slice(5).join(' ').replaceAll('\\%', '%')
  const ran = Bun.spawnSync(['/bin/sh', '-c', command], {
    cwd: '/',
    env: { HOME: scene.folder.path, LOGNAME: 'tester', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' },
    stdin: 'ignore',
  })
  expect(ran.stdout.toString() + ran.stderr.toString()).toBe('')
  expect(readFileSync(scene.folder.file('state/latchkey/backup.log'), 'utf8')).toMatch(/^bak_\w{26}\n$/)
  const manifest = readdirSync(scene.context.backupDir).find(name => name.endsWith('.json')) ?? ''
  expect(readFileSync(join(scene.context.backupDir, manifest), 'utf8')).toContain('"reason": "schedule"')
})

test('what is printed is what would be written, and nothing is', async () => {
  install('crontab', standIn)
  const plan = await planSchedule(context, job())
  expect(plan).toEqual({ ...(await scheduleBackups({ ...context, dryRun: true }, job())) })
  expect(existsSync(scene.folder.file('spool'))).toBe(false)
  expect((await scheduleBackups(context, job())).entries).toEqual(plan.entries)
})

describe('systemd', () => {
  const unitFolder = () => scene.folder.file('.config/systemd/user')
  const calls = () => readFileSync(scene.folder.file('calls'), 'utf8').trim().split('\n')
  const systemctl = (exit = 0) =>
    install('systemctl', `echo "$@" >> ${scene.folder.file('calls')}; exit ${exit}`)

  test('gets a service and a timer, and loses exactly these', async () => {
    systemctl()
    const { entries, name } = await scheduleBackups(context, { ...job(), manager: 'systemd' })
    writeFileSync(join(unitFolder(), 'other.timer'), '[Timer]\n')
    expect(calls()).toEqual(['--user daemon-reload', `--user enable --now ${name}.timer`])
    for (const { path, content } of entries) expect(readFileSync(path ?? '', 'utf8')).toBe(content)
    expect(await unscheduleBackups(context)).toMatchObject([{ manager: 'systemd', entries }])
    expect(readdirSync(unitFolder())).toEqual(['other.timer'])
    expect(calls().slice(2)).toEqual([`--user disable --now ${name}.timer`, '--user daemon-reload'])
  })

  test('that refuses leaves no unit', async () => {
    systemctl(1)
    expect((await failure(scheduleBackups(context, { ...job(), manager: 'systemd' }))).code).toBe('config')
    expect(readdirSync(unitFolder())).toEqual([])
  })

  test("somebody else's unit of that name is not touched", async () => {
    systemctl()
    const plan = await planSchedule(context, { ...job(), manager: 'systemd' })
    const [service] = plan.entries
    Bun.spawnSync(['mkdir', '-p', unitFolder()])
    writeFileSync(service?.path ?? '', '[Unit]\n')
    expect((await failure(scheduleBackups(context, { ...job(), manager: 'systemd' }))).code).toBe('conflict')
    expect(await unscheduleBackups(context, { manager: 'systemd' })).toEqual([])
    expect(readFileSync(service?.path ?? '', 'utf8')).toBe('[Unit]\n')
  })

  const analyze = requirePresent(Bun.which('systemd-analyze') !== null, 'systemd-analyze')

  analyze('accepts the units', async () => {
    const command = ['/bin/sh', "-it's", '$HOME 100%', 'a "quoted" \\ word']
    const envFile = scene.folder.write('keys.env', '')
    const plan = await planSchedule(context, { ...job(), command, envFile, manager: 'systemd' })
    for (const { path, content } of plan.entries) scene.folder.write(path?.split('/').at(-1) ?? '', content)
    for (const { path } of plan.entries) {
      const checked = Bun.spawnSync([
        'systemd-analyze',
        'verify',
        scene.folder.file(path?.split('/').at(-1) ?? ''),
      ])
      const said = checked.stderr
        .toString()
        .split('\n')
        .filter(line => line.includes(plan.name))
      expect(said).toEqual([])
    }
  })

  for (const cron of [
    '17 3 * * *',
    '*/20 * * * *',
    '0 9-17/2 * * mon-fri',
    '5 4 * * 7',
    '5 4 * * 0,3',
    '0 0 1,15 * 5',
    '30 2 29 feb *',
    '0 12 * jan-mar,dec sun',
    '@hourly',
    '@weekly',
    '@monthly',
    '@yearly',
  ]) {
    analyze(`runs '${cron}' when cron does`, () => {
      let from = new Date('2026-11-20T12:34:56Z')
      for (let run = 0; run < 5; run++) {
        const base = from.toISOString().slice(0, 19).replace('T', ' ')
        const next = calendarOf(cron).map(event => {
          const asked = Bun.spawnSync(['systemd-analyze', 'calendar', `--base-time=${base} UTC`, event], {
            env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
          })
          const [, at = ''] = /Next elapse: \w+ (.*) UTC/.exec(asked.stdout.toString()) ?? []
          return new Date(`${at.replace(' ', 'T')}Z`).getTime()
        })
        const expected = Bun.cron.parse(cron, from, { tz: 'UTC' })
        expect(new Date(Math.min(...next))).toEqual(expected!)
        from = expected!
      }
    })
  }
})

test.each<[string, object, string]>([
  ['four fields', { cron: '17 3 * *' }, 'invalid'],
  ['a minute that is none', { cron: '61 3 * * *' }, 'invalid'],
  ['a second line', { cron: '17 3 * * *\n* * * * * evil' }, 'invalid'],
  ['a line break in a word', { command: ['a\nb'] }, 'invalid'],
  ['a relative folder', { folder: 'here' }, 'invalid'],
  ['no crontab at all', { manager: 'crontab' }, 'config'],
])('%s is refused', async (_, change, code) => {
  const bare = { ...context, env: { ...context.env, PATH: programs } }
  const error = await failure(scheduleBackups(bare, { manager: 'crontab', ...job(), ...change }))
  expect(error).toMatchObject({ code: code as never, hint: expect.stringMatching(/./) })
})

test('a crontab that cannot be written says why', async () => {
  install('crontab', 'echo "you (tester) are not allowed to use this program (crontab)" >&2; exit 1')
  const error = await failure(scheduleBackups(context, job()))
  expect(error.message).toContain('not allowed')
})
