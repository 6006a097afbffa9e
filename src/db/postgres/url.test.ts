import { describe, expect, test } from 'bun:test'
import { userInfo } from 'node:os'
import { LatchkeyError } from '../../contract/errors.ts'
import { temporaryFolder } from '../../testing/folder.ts'
import { shownUrl, withPassword } from '../../text/address.ts'
import { targetOf } from './url.ts'

const of = (url: string) => {
  const { password, servers, ...target } = targetOf(url)
  return { ...servers[0], ...target, password: password(), servers }
}

const two = [
  { hostname: 'a.example', port: 5432, socket: null, isNear: false },
  { hostname: '::1', port: 6000, socket: null, isNear: true },
]

test.each([
  [
    'postgres://me@localhost/keys',
    { hostname: 'localhost', port: 5432, user: 'me', database: 'keys', socket: null },
  ],
  ['postgresql://me:p%40s%2Fs@127.0.0.1:6543/keys', { port: 6543, password: 'p@s/s' }],
  ['postgres://me@[::1]/keys', { hostname: '::1', sslMode: 'disable' }],
  ['postgres://me@localhost', { database: 'me' }],
  ['postgres://localhost/keys', { user: userInfo().username }],
  ['postgres:///keys?host=/run/pg', { socket: '/run/pg', port: 5432, database: 'keys' }],
  ['postgres://me@/keys', { user: 'me', database: 'keys', socket: expect.stringMatching(/^\//) }],
  ['postgres://me@%2Frun%2Fpg:6000/keys', { socket: '/run/pg', port: 6000 }],
  ['postgres://me@db.example/keys?sslmode=verify-full', { sslMode: 'verify-full', hostname: 'db.example' }],
  ['postgres://me@db.example/keys?sslmode=disable', { sslMode: 'disable' }],
  ['postgres://me@localhost/keys?pool=20&prepare=off', { pool: 20, prepare: false }],
  [
    'postgres://me:a,b@a.example,[::1]:6000/keys?sslmode=require',
    { servers: two, database: 'keys', password: 'a,b' },
  ],
  [
    'postgres://localhost,127.0.0.1:6000/keys?target_session_attrs=read-write',
    { isNear: true, database: 'keys' },
  ],
])('%s', (url, expected) => {
  expect(of(url)).toMatchObject(expected)
})

test('a password from elsewhere counts for a URL that has none', () => {
  const given = (url: string) => of(withPassword(url, 'p@s/s'))
  expect(given('postgres://me@localhost/keys')).toMatchObject({ user: 'me', password: 'p@s/s' })
  expect(given('postgres://localhost/keys')).toMatchObject({ user: userInfo().username, password: 'p@s/s' })
  expect(given('postgres:///keys?host=/run/pg')).toMatchObject({ socket: '/run/pg', password: 'p@s/s' })
  expect(given('postgres://me:y@localhost/keys').password).toBe('y')
  expect(of('postgres://me@localhost/keys').password).toBe('')
  expect(withPassword('postgres://me@localhost/keys', undefined)).toBe('postgres://me@localhost/keys')
})

describe('what is refused names what is wrong, and never the password', () => {
  test.each([
    ['postgres://me:s3cret@db.example/keys', 'has no sslmode', 'sslmode=verify-full'],
    ['postgres://me:s3cret@127.0.0.1.example/keys', 'has no sslmode', 'sslmode=verify-full'],
    ['postgres://me:s3cret@db.example/keys?sslmode=prefer', 'prefer', 'sslmode=verify-full'],
    ['postgres://me:s3cret@localhost,db.example/keys', 'has no sslmode', 'sslmode=verify-full'],
    ['postgres://me:s3cret@localhost,b:port/keys', 'is not a URL', 'write postgres://'],
    [
      'postgres://me:s3cret@a,b/keys?sslmode=disable&target_session_attrs=any',
      'session_attrs=any',
      'leave it out',
    ],
    ['postgres://me:s3cret@localhost/keys?ssl=true', 'an unknown option, ssl', 'sslmode'],
    ['postgres://me:s3cret@localhost/keys?pool=0', 'a pool of 0', 'pool=8'],
    ['postgres://me:s3cret@localhost/keys?prepare=no', 'prepare=no', 'prepare=off'],
    ['postgres://me:s3cret@localhost:port/keys', 'is not a URL', 'write postgres://'],
    ['postgres://me:s3c/ret@localhost/keys', 'is not a URL', '%2F'],
    ['postgres://me:s3cret@localhost/keys/more', 'more than a database', 'write postgres://'],
    ['postgres://me:s3cret@localhost/keys?sslrootcert=/none', 'cannot be read: /none', 'readable'],
  ])('%s', (url, message, hint) => {
    const error = refused(url)
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
    expect(error.exit === 2 || error.exit === 78).toBe(true)
    expect(Bun.inspect(error)).not.toMatch(/s3c|ret@/)
  })
})

test('what people see of a URL has no password and no options', () => {
  expect(shownUrl('postgres://me:s3cret@db/keys?sslmode=require&x=y')).toBe('postgres://me@db/keys')
  expect(shownUrl('postgres://me:s3c@r/et@db/keys')).toBe('postgres://me@db/keys')
  expect(shownUrl('postgresql:///keys?host=/run')).toBe('postgresql:///keys')
  expect(Bun.inspect(targetOf('postgres://me:s3cret@localhost/keys'))).not.toContain('s3cret')
})

test('certificates of an authority are read from their file', () => {
  using folder = temporaryFolder()
  const path = folder.write('ca.pem', 'certificate')
  expect(of(`postgres://me@db/keys?sslmode=verify-full&sslrootcert=${path}`).rootCertificates).toBe(
    'certificate',
  )
})

function refused(url: string): LatchkeyError {
  try {
    targetOf(url)
  } catch (error) {
    if (error instanceof LatchkeyError) return error
    throw error
  }
  throw new Error('it was accepted')
}
