import { expect, test } from 'bun:test'
import { temporaryFolder } from '../../../testing/folder.ts'
import { run } from '../../../testing/run.ts'

test('config profiles lists each profile once, with its database and the one in use', async () => {
  using folder = temporaryFolder()
  const cwd = folder.path
  const profiles = async (line = '', env = {}) =>
    (await run(`config profiles --json ${line}`, { cwd, env })).json<object[]>()
  expect(await profiles()).toEqual([])
  const file = folder.write(
    'latchkey.toml',
    '[profile.prod]\ndb = "prod.db"\n[profile.staging]\ntz = "UTC"\n',
  )
  const prod = { name: 'prod', inUse: false, db: folder.file('prod.db'), paths: [file] }
  const staging = { name: 'staging', inUse: false, db: null, paths: [file] }
  expect(await profiles()).toEqual([prod, staging])
  expect(await profiles('--profile prod')).toEqual([{ ...prod, inUse: true }, staging])
  expect(await profiles('', { LATCHKEY_PROFILE: 'staging' })).toEqual([prod, { ...staging, inUse: true }])
  // A database cannot be in a bucket, so using the profile fails.
  folder.write('latchkey.toml', '[profile.prod]\ndb = "prod.db"\n[profile.bucket]\ndb = "s3://bucket/x"\n')
  expect(await profiles()).toEqual([prod, { ...staging, name: 'bucket' }])
})

test('the version is told by every way that people try', async () => {
  const said = (await run('--version')).out
  expect(said).toMatch(/^latchkey \d+\.\d+\.\d+\n$/)
  for (const line of ['-V', 'version']) expect(await run(line)).toMatchObject({ code: 0, out: said, err: '' })
  expect((await run('version --json')).json()).toEqual({
    version: said.trim().split(' ')[1],
    bun: Bun.version,
  })
})
