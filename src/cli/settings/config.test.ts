import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chownSync, lchownSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Environment } from '../../system/home.ts'
import { nameOfUser } from '../../system/user.ts'
import { type TemporaryFolder, temporaryFolder } from '../../testing/folder.ts'
import { run } from '../../testing/run.ts'
import { requireRoot } from '../../testing/tools.ts'
import { type ConfigFlags, resolveConfig } from './config.ts'
import { type SettingName, settingNames } from './file.ts'

/** `nobody` on all systems. */
const stranger = 65_534
let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder()
  mkdirSync(folder.file('home/.config/latchkey'), { recursive: true })
  mkdirSync(folder.file('here'))
})
afterEach(() => folder.remove())

const resolved = (env: Environment = {}, flags: ConfigFlags = {}) =>
  resolveConfig({ HOME: folder.file('home'), ...env }, folder.file('here'), flags)

function refused(env: Environment = {}, flags: ConfigFlags = {}): LatchkeyError {
  try {
    resolved(env, flags)
  } catch (error) {
    if (error instanceof LatchkeyError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const source = (config: ReturnType<typeof resolved>, name: SettingName) => config.setting(name).source

test('without any setting everything has a default', () => {
  const config = resolved()
  expect(settingNames.map(config.setting).map(({ name, source }) => [name, source])).toEqual([
    ['db', 'default'],
    ['tz', 'default'],
    ['backup_dir', 'default'],
    ['backup_keep', 'default'],
    ['age_recipients_file', 'default'],
    ['age_identity_file', 'default'],
    ['unpriced', 'default'],
    ['max_end_users', 'default'],
    ['output', 'default'],
  ])
  expect(config.db).toBe(folder.file('home/.local/share/latchkey/latchkey.db'))
  expect(config.setting('backup_dir').value).toBe(folder.file('home/.local/share/latchkey/backups'))
  expect(config.output).toBe('table')
})

test('a flag wins over the environment, over the file here, over the file of the user', () => {
  folder.write('home/.config/latchkey/latchkey.toml', 'db = "user.db"\ntz = "Asia/Tokyo"\noutput = "csv"\n')
  expect(resolved().db).toBe(folder.file('home/.config/latchkey/user.db'))
  folder.write('here/latchkey.toml', 'db = "data/local.db"\ntz = "Europe/Berlin"\n')
  expect(resolved().db).toBe(folder.file('here/data/local.db'))
  expect(source(resolved(), 'db')).toBe(folder.file('here/latchkey.toml'))
  expect(resolved().output).toBe('csv')
  const env = { LATCHKEY_DB: 'env.db', LATCHKEY_TZ: 'UTC' }
  expect(resolved(env).db).toBe(folder.file('here/env.db'))
  expect(source(resolved(env), 'tz')).toBe('LATCHKEY_TZ')
  const flags = { db: '/flag.db', tz: 'America/New_York', output: 'json' }
  expect(resolved(env, flags)).toMatchObject({ db: '/flag.db', timeZone: 'America/New_York', output: 'json' })
  expect(source(resolved(env, flags), 'db')).toBe('flag')
})

test('backups lie beside the database unless something else is said', () => {
  expect(resolved({}, { db: '/srv/gate.db' }).setting('backup_dir').value).toBe('/srv/backups')
  folder.write('here/latchkey.toml', 'backup_dir = "kept"')
  expect(resolved({}, { db: '/srv/gate.db' }).setting('backup_dir').value).toBe(folder.file('here/kept'))
  expect(resolved({ LATCHKEY_BACKUP_DIR: 's3://bucket/latchkey' }).setting('backup_dir').value).toBe(
    's3://bucket/latchkey',
  )
  folder.write('here/latchkey.toml', 'backup_dir = "~/kept"')
  expect(resolved().setting('backup_dir').value).toBe(folder.file('home/kept'))
})

test('XDG folders are used when absolute', () => {
  const xdg = { XDG_DATA_HOME: '/data', XDG_CONFIG_HOME: folder.file('xdg') }
  expect(resolved(xdg).db).toBe('/data/latchkey/latchkey.db')
  expect(resolved({ XDG_DATA_HOME: 'data' }).db).toBe(folder.file('home/.local/share/latchkey/latchkey.db'))
  mkdirSync(folder.file('xdg/latchkey'), { recursive: true })
  folder.write('xdg/latchkey/latchkey.toml', 'tz = "Asia/Tokyo"')
  expect(resolved(xdg).timeZone).toBe('Asia/Tokyo')
})

describe('a database on a server', () => {
  const url = 'postgres://me:s3cret@localhost/keys?pool=4'

  test('is taken as it is, and shown without its password', () => {
    folder.write('here/latchkey.toml', `[profile.prod]\ndb = "${url}"\n`)
    for (const config of [
      resolved({}, { db: url }),
      resolved({ LATCHKEY_DB: url }),
      resolved({}, { profile: 'prod' }),
    ]) {
      expect(config.db).toBe(url)
      expect(config.setting('db').value).toBe('postgres://me@localhost/keys')
      expect(config.setting('backup_dir').value).toBe(folder.file('home/.local/share/latchkey/backups'))
    }
  })

  test('its password is in nothing that commands print', async () => {
    const env = { HOME: folder.file('home') }
    const cwd = folder.file('here')
    for (const line of [
      `config set db ${url} --here --profile prod`,
      'config show --profile prod',
      'config get db --profile prod --json',
      'config profiles',
      'health --profile prod',
    ]) {
      const { out, err } = await run(line, { cwd, env })
      expect(out + err).toContain('postgres://me@localhost/keys')
      expect(out + err).not.toContain('s3cret')
    }
    expect(readFileSync(folder.file('here/latchkey.toml'), 'utf8')).toContain('s3cret')
  })
})

describe('variables of other programs', () => {
  const theirs = { DATABASE_URL: 'postgres://me:s3cret@localhost/theirs' }

  test('count after the settings, and are named', () => {
    expect(resolved(theirs).db).toBe(theirs.DATABASE_URL)
    expect(resolved(theirs).setting('db')).toMatchObject({
      value: 'postgres://me@localhost/theirs',
      source: 'DATABASE_URL',
    })
    const path = resolved({ DATABASE_PATH: 'data/their.db' })
    expect([path.db, source(path, 'db')]).toEqual([folder.file('here/data/their.db'), 'DATABASE_PATH'])
    folder.write('home/.config/latchkey/latchkey.toml', 'db = "ours.db"\n')
    expect(resolved(theirs).db).toBe(folder.file('home/.config/latchkey/ours.db'))
    expect(resolved({ ...theirs, LATCHKEY_DB: '/env.db' }).db).toBe('/env.db')
  })

  test.each(['mysql://localhost/theirs', 'file:./dev.db', ''])(
    'DATABASE_URL=%s is not one of ours',
    value => {
      expect(source(resolved({ DATABASE_URL: value }), 'db')).toBe('default')
    },
  )

  test('never move an operator away from the database used so far', () => {
    mkdirSync(folder.file('home/.local/share/latchkey'), { recursive: true })
    const usual = folder.write('home/.local/share/latchkey/latchkey.db', '')
    for (const env of [theirs, { DATABASE_PATH: '/their.db' }]) {
      const config = resolved(env)
      expect(() => config.db).toThrow(`${usual} (the default, which exists)`)
      expect(() => config.db).toThrow(/\/theirs? \(DATABASE_URL\)|their\.db \(DATABASE_PATH\)/)
      // What shows settings goes on.
      expect(config.setting('db').value).toContain('their')
    }
    expect(resolved({ ...theirs, LATCHKEY_DB: usual }).db).toBe(usual)
    expect(resolved(theirs, { db: usual }).db).toBe(usual)
  })

  test('that name two databases decide nothing', async () => {
    const env = { HOME: folder.file('home'), ...theirs, DATABASE_PATH: '/their.db' }
    const { code, err } = await run('key list', { env, cwd: folder.file('here') })
    expect(code).toBe(78)
    expect(err).toContain('which database is meant')
    expect(err).toContain('DATABASE_PATH')
    expect(err).not.toContain('s3cret')
    expect(await run('config show', { env, cwd: folder.file('here') })).toMatchObject({ code: 0 })
  })
})

test('an empty variable is as good as none', () => {
  expect(source(resolved({ LATCHKEY_DB: '' }), 'db')).toBe('default')
})

describe('what is wrong names its file and exits 78', () => {
  test.each([
    ['databse = "x"', "unknown setting 'databse'", 'write db instead'],
    ['backup_dri = "x"', "unknown setting 'backup_dri'", 'write backup_dir instead'],
    ['colour = "x"', "unknown setting 'colour'", 'use one of db, tz'],
    ['tz = "Europe/Belin"', 'is not a time zone', 'did you mean Europe/Berlin?'],
    ['backup_dri = "x"', "unknown setting 'backup_dri'", 'write backup_dir instead'],
    ['outptu = "x"', "unknown setting 'outptu'", 'write output instead'],
    ['tz = 3', 'tz must be text', 'write tz = '],
    ['db = ""', 'db must be text', 'write db = '],
    ['# fine\n\ndb = "x"\ntz =\n', 'latchkey.toml:4: Missing value', 'correct line 4'],
    ['db = "x"\ndb = "y"\n', "latchkey.toml:2: Cannot redefine key 'db'", 'correct line 2'],
    ['tz = "Mars/Olympus"', 'is not a time zone', 'UTC or Europe/Berlin'],
    ['output = "xml"', 'is not an output format', 'table, wide, json'],
  ])('%p', (text, message, hint) => {
    const path = folder.write('here/latchkey.toml', text)
    const error = refused()
    expect(error.exit).toBe(78)
    expect(error.message).toContain(message)
    expect(error.message).toContain(path)
    expect(error.hint).toContain(hint)
  })

  test('a folder in the place of the file', () => {
    mkdirSync(folder.file('here/latchkey.toml'))
    expect(refused().message).toContain('is not a file')
  })

  test('a pipe in the place of the file is not waited for', () => {
    Bun.spawnSync(['mkfifo', folder.file('here/latchkey.toml')])
    expect(refused().message).toContain('is not a file')
  })

  requireRoot()('a file here that belongs to another user is named with its owner, not followed', () => {
    const path = folder.write('here/latchkey.toml', 'db = "theirs.db"\n[profile.prod]\ndb = "x.db"\n')
    chownSync(path, stranger, stranger)
    for (const flags of [{}, { db: '/mine.db' }, { profile: 'prod' }]) {
      expect(refused({}, flags)).toMatchObject({
        exit: 78,
        message: `${path} belongs to another user, ${nameOfUser(stranger)}, so it is not used`,
        hint: expect.stringContaining(`chown 0 ${path}`),
      })
    }
    expect(refused({ SUDO_UID: '1' }).message).toContain('belongs to another user')
    expect(resolved({ SUDO_UID: String(stranger) }).db).toBe(folder.file('here/theirs.db'))
    chownSync(path, 0, 0)
    expect(resolved().db).toBe(folder.file('here/theirs.db'))
  })

  requireRoot()("a stranger's link to a file of one's own is not followed either", () => {
    folder.write('home/mine.toml', 'db = "mine.db"\n')
    const link = folder.file('here/latchkey.toml')
    symlinkSync(folder.file('home/mine.toml'), link)
    expect(resolved().db).toBe(folder.file('here/mine.db'))
    lchownSync(link, stranger, stranger)
    expect(refused().message).toContain('belongs to another user')
  })

  requireRoot()(
    "another user's file is not changed by config set, and is told of by config validate",
    async () => {
      const path = folder.write('here/latchkey.toml', 'db = "theirs.db"\n')
      chownSync(path, stranger, stranger)
      const cwd = folder.file('here')
      const set = await run('config set tz UTC --here', { cwd })
      expect(set).toMatchObject({ code: 78, err: expect.stringContaining('belongs to another user') })
      expect(readFileSync(path, 'utf8')).toBe('db = "theirs.db"\n')
      expect((await run('config validate', { cwd })).out).toContain('belongs to another user')
    },
  )

  test('a profile is not one because objects have something of that name', () => {
    for (const profile of ['toString', 'constructor', '__proto__']) {
      expect(refused({}, { profile }).message).toContain(`there is no profile '${profile}'`)
    }
  })

  test('a bad variable is named, a bad flag is wrong usage', () => {
    expect(refused({ LATCHKEY_TZ: 'Mars' })).toMatchObject({ exit: 78 })
    expect(refused({ LATCHKEY_TZ: 'Mars' }).message).toContain('LATCHKEY_TZ')
    expect(refused({}, { tz: 'Mars' })).toMatchObject({ exit: 2 })
    expect(refused({}, { db: '' })).toMatchObject({ exit: 2 })
  })
})
