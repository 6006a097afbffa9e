/** Long lists on a real pseudo-terminal, with real pagers. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestLatchkey, temporaryLatchkey } from '../../testing/latchkey.ts'
import { entryPoint, processEnvironment, spawnLatchkey } from '../../testing/process.ts'
import { requireTool } from '../../testing/tools.ts'

let home: TestLatchkey

beforeAll(async () => {
  home = await temporaryLatchkey()
  await home.latchkey.keys.createMany({ name: 'k' }, 200)
})
afterAll(() => home[Symbol.asyncDispose]())

interface Scene {
  readonly env?: Record<string, string>
  /** Keys, typed one after another once the screen shows something. */
  readonly typed?: { readonly when: string; readonly keys: string }
}

/**
 * Runs the command in a shell on a terminal of 80 x 24. The shell prints the exit code and the state of the terminal
 * afterwards.
 */
async function onScreen(line: string, { env = {}, typed }: Scene = {}) {
  let screen = ''
  const decoder = new TextDecoder()
  const terminal = new Bun.Terminal({
    cols: 80,
    rows: 24,
    data: (_, data) => {
      screen += decoder.decode(data, { stream: true })
    },
  })
  // Ctrl-C only reaches processes that the terminal controls. The shell ignores it to print the result.
  const script = `trap : INT; "$BUN" "$ENTRY" ${line}; echo "exit=$?"; stty -a; echo 'the end'`
  const child = Bun.spawn(['setsid', '--ctty', '--wait', 'sh', '-c', script], {
    env: {
      ...processEnvironment({ db: home.path, env: { TERM: 'xterm', ...env } }),
      BUN: process.execPath,
      ENTRY: entryPoint,
    },
    terminal,
  })
  if (typed !== undefined) {
    while (!Bun.stripANSI(screen).includes(typed.when)) await Bun.sleep(20)
    for (const key of typed.keys) {
      await Bun.sleep(200)
      terminal.write(key)
    }
  }
  await child.exited
  while (!screen.includes('the end')) await Bun.sleep(20)
  terminal.close()
  const text = Bun.stripANSI(screen).replaceAll('\r', '')
  return {
    text: text.slice(0, text.indexOf('exit=')),
    code: Number(/exit=(\d+)/.exec(text)?.[1]),
    isSane: / icanon /.test(text) && / echo /.test(text),
    keys: text.match(/^(?:PAGED:)?k-\d+ /gm)?.length ?? 0,
  }
}

const terminalTest = requireTool('setsid')
const lessTest = Bun.which('less') === null ? requireTool('less') : terminalTest
const paged = { LATCHKEY_PAGER: 'sed s/^/PAGED:/' }

lessTest('a list longer than the screen waits in less until it is left', async () => {
  const { text, code, isSane } = await onScreen('key list', { typed: { when: '\n:', keys: 'q' } })
  expect([code, isSane]).toEqual([0, true])
  expect(text).toContain('k-20 ')
  expect(text).not.toContain('k-40 ')
})

lessTest('Ctrl-C in less ends nothing', async () => {
  const { text, code, isSane } = await onScreen('key list', { typed: { when: '\n:', keys: '\x03Gq' } })
  expect([code, isSane]).toEqual([0, true])
  expect(text).toContain('k-200 ')
})

terminalTest('Ctrl-C that ends the pager ends the list, and is no failure', async () => {
  const { code, isSane } = await onScreen('key list', {
    env: { LATCHKEY_PAGER: 'head -n 1; exec sleep 1000' },
    typed: { when: 'NAME', keys: '\x03' },
  })
  expect([code, isSane]).toEqual([0, true])
})

for (const [what, line, env] of [
  ['LATCHKEY_PAGER before PAGER', 'key list', { ...paged, PAGER: 'false' }],
  ['PAGER', 'key list', { PAGER: paged.LATCHKEY_PAGER }],
  ['-o wide', 'key list -o wide', paged],
] as const) {
  terminalTest(`the pager of ${what} gets all of it`, async () => {
    const { text, code, keys } = await onScreen(line, { env })
    expect([code, keys]).toEqual([0, 200])
    expect(text).toContain('PAGED:NAME')
  })
}

for (const [when, line, env] of [
  ['no pager is wanted', 'key list --no-pager', paged],
  ['it is set to nothing', 'key list', { LATCHKEY_PAGER: '', PAGER: paged.LATCHKEY_PAGER }],
  ['it is cat', 'key list', { PAGER: 'cat' }],
  ['the list fits the screen', 'key list --limit 20', paged],
  ['programs read it', 'key list --json', paged],
  ['only ids are wanted', 'key list -q', paged],
  ['nobody is to be asked', 'key list --no-input', paged],
  ['a machine is at the terminal', 'key list', { ...paged, CI: 'true' }],
  ['the terminal is dumb', 'key list', { ...paged, TERM: 'dumb' }],
  ['it is the outcome of a change', 'key create extra --count 40 --dry-run', paged],
] as const) {
  terminalTest(`there is none when ${when}`, async () => {
    const { text, code } = await onScreen(line, { env })
    expect(code).toBe(0)
    expect(text).not.toContain('PAGED')
    expect(text).toMatch(/k-1\b|key_|extra-1/)
  })
}

terminalTest('a pager that does not exist is told of, and the list is shown without it', async () => {
  const { text, code, keys } = await onScreen('key list', { env: { LATCHKEY_PAGER: 'no-such-pager -x' } })
  expect([code, keys]).toEqual([0, 200])
  expect(text).toContain('no-such-pager')
})

terminalTest('a pager that reads no more is no failure', async () => {
  const { text, code, keys } = await onScreen('key list', { env: { LATCHKEY_PAGER: 'head -n 3' } })
  expect([code, keys]).toEqual([0, 2])
  expect(text).not.toMatch(/EPIPE|latchkey:/)
})

test('off a terminal there is no pager, whatever is set', async () => {
  const { out, code } = await spawnLatchkey('key list', { db: home.path, env: paged })
  expect(code).toBe(0)
  expect(out).toStartWith('NAME')
  expect(out.split('\n')).toHaveLength(202)
})
