import { expect, test } from 'bun:test'
import { actorName, originOf, type ProcessStat, parseStat } from './origin.ts'

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
  (pid: number | 'self'): ProcessStat | undefined => {
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
  expect(parseStat('12 (a) b (c\nd) S 7 12 12 0')).toEqual({ command: 'a) b (c\nd', parent: 7 })
  expect(parseStat('nonsense')).toBeUndefined()
})

test("who acts is the system's account, whatever the environment says", () => {
  const real = Bun.spawnSync(['id', '-un']).stdout.toString().trim()
  expect(actorName({ USER: 'mallory', LOGNAME: 'mallory', HOME: '/home/mallory' })).toBe(real)
})
