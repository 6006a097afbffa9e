import { expect, test } from 'bun:test'
import { parseStat } from '../../system/processes.ts'
import { actorName, originOf } from './origin.ts'

test.each([
  [{}, 'alice', 'alice'],
  [{ LATCHKEY_ACTOR: 'deploy' }, 'alice', 'deploy'],
  [{ SUDO_USER: 'alice' }, 'root', 'alice (sudo)'],
  [{ SUDO_USER: 'alice' }, 'latchkey', 'latchkey'],
  [{ SUDO_USER: 'root' }, 'root', 'root'],
  [{ LATCHKEY_ACTOR: 'deploy', SUDO_USER: 'alice' }, 'root', 'deploy'],
])('%j as %s acts as %s', (env, user, expected) => {
  expect(actorName(env, user)).toBe(expected)
})

const ancestors =
  (...commands: string[]) =>
  (pid: number | 'self') => {
    const index = pid === 'self' ? 0 : pid - 1
    const command = commands[index]
    return command === undefined ? undefined : { command, parent: index + 2 }
  }

test.each([
  ['terminal', true, {}, ancestors('bun', 'cron')],
  ['cron', false, {}, ancestors('bun', 'sh', 'cron')],
  ['cron', false, { INVOCATION_ID: 'x' }, ancestors('bun', 'crond', 'systemd')],
  ['service', false, { INVOCATION_ID: 'x' }, ancestors('bun', 'systemd')],
  ['script', false, {}, ancestors('bun', 'bash', 'my cron job')],
  ['script', false, {}, ancestors()],
  // A loop of parents ends.
  ['script', false, {}, () => ({ command: 'bun', parent: 1 })],
] as const)('%s', (expected, atTerminal, env, stat) => {
  expect(originOf(env, atTerminal, stat)).toBe(expected)
})

test('a command may hold blanks, brackets and line breaks', () => {
  const rest = '12 12 0 -1 4194560 1 0 0 0 2 3 0 0 20 0 1 0 98765 1000 20 1844'
  expect(parseStat(`12 (a) b (c\nd) S 7 ${rest}`)).toEqual({
    command: 'a) b (c\nd',
    parent: 7,
    began: '98765',
  })
  expect(parseStat('nonsense')).toBeUndefined()
})

test("who acts is the system's account, whatever the environment says", () => {
  const real = Bun.spawnSync(['id', '-un']).stdout.toString().trim()
  expect(actorName({ USER: 'mallory', LOGNAME: 'mallory', HOME: '/home/mallory' })).toBe(real)
})
