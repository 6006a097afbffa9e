import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey } from '../../../index.ts'
import { type BackupScene, backupScene } from '../../../testing/backups.ts'
import { failure } from '../../../testing/failure.ts'
import { runOrSpawn, spawnLatchkey } from '../../../testing/process.ts'
import type { Ran } from '../../../testing/run.ts'
import { testS3 } from '../../../testing/s3.ts'
import { requirePresent, requireTool } from '../../../testing/tools.ts'
import type { FileContext } from '../../context.ts'
import { planSchedule, rehearse, scheduleBackups, unscheduleBackups } from './schedule.ts'
import { calendarOf } from './systemd-calendar.ts'

let scene: BackupScene
let context: FileContext
let programs: string
beforeEach(async () => {
  scene = await backupScene()
  programs = scene.folder.file('programs')
  mkdirSync(programs)
  context = {
    ...scene.context,
    env: {
      HOME: scene.folder.path,
      PATH: `${programs}:/usr/bin:/bin`,
      SPOOL: scene.folder.file('spool'),
      // Whoever may write there, as root may, gets a timer of the system.
      SYSTEMD_UNIT_PATH: scene.folder.file('system'),
    },
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
  command: ['/bin/sh', scene.folder.write('latch key.sh', ''), 'backup', 'create', "it's 100%"],
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
  expect(entry?.content).toContain(`latch key.sh' backup create 'it'\\''s 100\\%'`)
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

/** As cron does: what follows the five fields, with \\% as %, in a bare environment. */
function runLine(line: string) {
  const command = line.split(' ').slice(5).join(' ').replaceAll('\\%', '%')
  return Bun.spawnSync(['/bin/sh', '-c', command], {
    cwd: '/',
    env: { HOME: scene.folder.path, LOGNAME: 'tester', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' },
    stdin: 'ignore',
  })
}

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
  const ran = runLine(line)
  expect(ran.stdout.toString() + ran.stderr.toString()).toBe('')
  expect(readFileSync(scene.folder.file('state/latchkey/backup.log'), 'utf8')).toMatch(/^bak_\w{26}\n$/)
  const manifest = readdirSync(scene.context.backupDir).find(name => name.endsWith('.json')) ?? ''
  expect(readFileSync(join(scene.context.backupDir, manifest), 'utf8')).toContain('"reason": "schedule"')
})

/** A job is tried out by the program that it is for. */
function latchkey(
  line: string | readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const env = { ...context.env, XDG_STATE_HOME: scene.folder.file('state'), ...more }
  return runOrSpawn(line, { env, db: context.path, cwd: scene.folder.path })
}

test('the line that is printed works also where there is no folder for its log yet', async () => {
  const place = scene.folder.file('place')
  const { out } = await latchkey(['backup', 'schedule', '--cron', '17 3 * * *', '--print', '--to', place])
  expect(existsSync(scene.folder.file('state'))).toBe(false)
  expect(runLine(out.trim()).exitCode).toBe(0)
  expect(readFileSync(scene.folder.file('state/latchkey/backup.log'), 'utf8')).not.toContain('latchkey:')
  expect(readdirSync(place).filter(name => name.endsWith('.json'))).toHaveLength(1)
})

describe('where a schedule puts backups', () => {
  const schedule = (...more: string[]) => latchkey(['backup', 'schedule', '--cron', '17 3 * * *', ...more])
  const unusual = () => scene.folder.file('unusual')

  test('list, status, doctor, a restore and its safety copy look, until it is taken away', async () => {
    install('crontab', standIn)
    expect(await schedule('--to', unusual())).toMatchObject({ code: 0, err: '' })
    expect(runLine(readFileSync(scene.folder.file('spool'), 'utf8').trim()).exitCode).toBe(0)
    expect((await latchkey('backup list --json')).json()).toMatchObject([{ location: unusual() }])
    expect((await latchkey('backup status --json')).json()).toMatchObject({
      status: 'fresh',
      location: unusual(),
    })
    const { checks } = (await latchkey('doctor --json')).json<{
      checks: { name: string; status: string }[]
    }>()
    for (const name of ['schedule', 'last_backup', 'backup_bytes'])
      expect(checks).toContainEqual(expect.objectContaining({ name, status: 'ok' }))
    expect((await latchkey('config get backup_dir')).out.trim()).toBe(unusual())
    expect((await latchkey('restore --latest --yes --json')).json()).toMatchObject({
      safetyBackup: { location: unusual() },
    })
    const embedded = connectLatchkey({ path: context.path, env: context.env })
    expect(await embedded.backups.list()).toHaveLength(2)
    // A new time changes no place.
    expect((await schedule('--systemd', '--print')).out).toContain(unusual())
    expect(await schedule()).toMatchObject({ code: 0 })
    expect((await latchkey('backup list --json')).json()).toHaveLength(2)
    await latchkey('backup unschedule')
    expect((await latchkey('backup list --json')).json()).toEqual([])
    expect(readdirSync(join(scene.folder.path, 'data')).filter(name => name.includes('schedule'))).toEqual([])
  }, 600_000)

  test('stops nothing but what needs it when its file is broken', async () => {
    const path = scene.folder.write('data/latchkey.db.schedule.json', '{')
    const doctor = await latchkey('doctor --json')
    expect(doctor.json<{ checks: object[] }>().checks).toContainEqual(
      expect.objectContaining({ name: 'schedule', status: 'failed' }),
    )
    for (const line of ['config validate', 'config path', 'config get db', 'config set tz UTC', 'user list'])
      expect(await latchkey(line)).toMatchObject({ code: 0, err: '' })
    for (const line of ['config show', 'backup list', 'backup create'])
      expect(await latchkey(line)).toMatchObject({ code: 78, err: expect.stringContaining(`rm ${path}`) })
  })

  test('is refused where a setting has them looked for elsewhere', async () => {
    install('crontab', standIn)
    scene.folder.write('latchkey.toml', 'backup_dir = "elsewhere"\n')
    const { code, err } = await schedule('--to', unusual())
    expect(code).toBe(5)
    expect(err).toContain(`latchkey config set backup_dir ${unusual()}`)
    expect(existsSync(scene.folder.file('spool'))).toBe(false)
  })

  test('is not changed by a schedule that is refused', async () => {
    install('crontab', `[ "$1" = -l ] && exit 0; echo no >&2; exit 1`)
    expect((await schedule('--to', unusual())).code).toBe(78)
    expect((await latchkey('backup list --json')).json()).toEqual([])
    expect((await latchkey('config get backup_dir')).out).not.toContain('unusual')
  })

  test.each<[string, () => readonly string[], RegExp]>([
    [
      'a place that cannot be written',
      () => ['--to', '/proc/latchkey'],
      /no folder can be created at \/proc\/latchkey/,
    ],
    ['a bucket without credentials', () => ['--to', 's3://bucket/x'], /no credentials for the bucket bucket/],
    ['pruning without a policy', () => ['--prune'], /keep/],
    [
      'recipients that are not there',
      () => ['--recipients-file', scene.folder.file('none')],
      /cannot read the age recipients file .*none/,
    ],
    ['a day that never comes', () => ['--cron', '0 0 31 2 *'], /there is no such day/],
    ['variables that are not there', () => ['--env-file', scene.folder.file('none')], /none/],
  ])(
    '%s is refused at once, in a crontab and for systemd',
    async (_, more, said) => {
      install('crontab', standIn)
      install('systemctl', 'exit 0')
      for (const manager of ['--crontab', '--systemd']) {
        const words = [...more(), manager]
        const times = words.includes('--cron') ? [] : ['--cron', '17 3 * * *']
        const { code, err } = await latchkey(['backup', 'schedule', ...times, ...words])
        expect([manager, code > 0, err]).toEqual([manager, true, expect.stringMatching(said)])
        expect(err).toContain('try: ')
        expect(existsSync(scene.folder.file('spool'))).toBe(false)
        expect(existsSync(scene.folder.file('.config'))).toBe(false)
        const dry = await latchkey(['backup', 'schedule', ...times, ...words, '--dry-run'])
        expect(dry.code).toBe(code)
      }
    },
    60_000,
  )

  test('a bucket counts when its credentials are in the file that the job gets', async () => {
    using s3 = testS3()
    install('crontab', standIn)
    install('systemctl', 'exit 0')
    const lines = Object.entries(s3.env).map(([name, value]) => `${name}=${value}\n`)
    const keys = scene.folder.write('keys.env', `# of tests\n${lines.join('')}`)
    for (const manager of ['--crontab', '--systemd'])
      expect(await schedule('--to', 's3://backups/x', '--env-file', keys, manager)).toMatchObject({ code: 0 })
    expect(s3.keys()).toEqual([])
    expect((await schedule('--to', 's3://elsewhere/x', '--env-file', keys)).err).toContain('no bucket')
  }, 600_000)

  test('a dry run shows what it would write', async () => {
    install('crontab', standIn)
    const { code, out } = await schedule('--to', unusual(), '--crontab', '--dry-run')
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^Would write to your crontab:\n17 3 \* \* \* cd .*\n$/),
    ])
    expect(existsSync(scene.folder.file('spool'))).toBe(false)
  })

  test('doctor says so when what is scheduled works no more', async () => {
    install('crontab', standIn)
    install('systemctl', 'exit 0')
    const found = async () =>
      (await latchkey('doctor --json'))
        .json<{ checks: { name: string; problem: string }[] }>()
        .checks.find(({ name }) => name === 'schedule')
    for (const manager of ['--crontab', '--systemd']) {
      const keys = scene.folder.write('keys.env', 'LATCHKEY_ACTOR=nightly\n')
      expect(await schedule('--to', unusual(), '--env-file', keys, manager)).toMatchObject({ code: 0 })
      expect(await found()).toMatchObject({ status: 'ok' })
      rmSync(keys)
      expect(await found()).toMatchObject({ status: 'failed', problem: expect.stringContaining('keys.env') })
      await latchkey('backup unschedule')
    }
  }, 600_000)
})

test('what is printed is what would be written, and nothing is', async () => {
  install('crontab', standIn)
  const plan = await planSchedule(context, job())
  const before = readdirSync(scene.folder.path, { recursive: true })
  expect(plan).toEqual({ ...(await scheduleBackups({ ...context, dryRun: true }, job())), changed: false })
  // The folder of the log neither, in which the rehearsal ran.
  expect(readdirSync(scene.folder.path, { recursive: true })).toEqual(before)
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
    mkdirSync(unitFolder(), { recursive: true })
    writeFileSync(service?.path ?? '', '[Unit]\n')
    expect((await failure(scheduleBackups(context, { ...job(), manager: 'systemd' }))).code).toBe('conflict')
    expect(await unscheduleBackups(context, { manager: 'systemd' })).toEqual([])
    expect(readFileSync(service?.path ?? '', 'utf8')).toBe('[Unit]\n')
  })

  test('of who may write the units of the system is one of the system', async () => {
    systemctl()
    mkdirSync(scene.folder.file('system'))
    const { entries, name } = await scheduleBackups(context, { ...job(), manager: 'systemd' })
    expect(readdirSync(scene.folder.file('system')).sort()).toEqual([`${name}.service`, `${name}.timer`])
    expect(calls()).toEqual(['daemon-reload', `enable --now ${name}.timer`])
    expect(await unscheduleBackups(context)).toMatchObject([{ manager: 'systemd', entries }])
    expect(readdirSync(scene.folder.file('system'))).toEqual([])
    expect(calls().slice(2)).toEqual([`disable --now ${name}.timer`, 'daemon-reload'])
  })

  const analyze = requirePresent(Bun.which('systemd-analyze') !== null, 'systemd-analyze')

  /** What systemd has to say of the units of a plan. */
  function complaints({ entries, name }: Awaited<ReturnType<typeof planSchedule>>): readonly string[] {
    const units = entries.map(({ path, content }) =>
      scene.folder.write(path?.split('/').at(-1) ?? '', content),
    )
    const { stderr } = Bun.spawnSync(['systemd-analyze', 'verify', ...units])
    return stderr
      .toString()
      .split('\n')
      .filter(line => line.includes(name))
  }

  analyze('accepts the units', async () => {
    const command = ['/bin/sh', "-it's", '$HOME 100%', 'a "quoted" \\ word']
    const envFile = scene.folder.write('keys.env', '')
    const plan = await planSchedule(context, { ...job(), command, envFile, manager: 'systemd' })
    expect(complaints(plan)).toEqual([])
  })

  for (const name of ['ends in\\', 'ends in ', 'ends in\\ ', '100%', 'a "quote"', '$HOME', "it's"]) {
    analyze(`has all of its lines for a folder called '${name}'`, async () => {
      const folder = scene.folder.file(name)
      mkdirSync(folder)
      const here = { ...context, path: join(folder, 'latchkey.db\\') }
      const command = ['/bin/sh', '-c', 'pwd > $0 #', scene.folder.file('out'), folder]
      const plan = await planSchedule(here, { ...job(), folder, command, manager: 'systemd' })
      expect(complaints(plan)).toEqual([])
      await rehearse(here, plan)
      expect(readFileSync(scene.folder.file('out'), 'utf8')).toBe(`${folder}\n`)
    })
  }

  test.each(['keys\\', 'keys '])(
    "a file of variables called '%s' is refused, since no unit can name it",
    async name => {
      const envFile = scene.folder.write(name, '')
      const error = await failure(planSchedule(context, { ...job(), envFile, manager: 'systemd' }))
      expect(error).toMatchObject({ code: 'invalid', hint: expect.stringContaining('--crontab') })
    },
  )

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
      const expected: Date[] = []
      for (let run = 0; run < 5; run++) {
        const from = expected.at(-1) ?? new Date('2026-11-20T12:34:56Z')
        expected.push(Bun.cron.parse(cron, from, { tz: 'UTC' })!)
      }
      const elapses = calendarOf(cron).flatMap(event => {
        const words = ['--iterations=5', '--base-time=2026-11-20 12:34:56 UTC', event]
        const asked = Bun.spawnSync(['systemd-analyze', 'calendar', ...words], {
          env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
        })
        const found = asked.stdout.toString().matchAll(/(?:Next elapse|Iter\. #\d): \w+ (.*) UTC/g)
        return [...found].map(([, at = '']) => new Date(`${at.replace(' ', 'T')}Z`).getTime())
      })
      const first = [...new Set(elapses)].sort((a, b) => a - b).slice(0, 5)
      expect(first.map(at => new Date(at))).toEqual(expected)
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
