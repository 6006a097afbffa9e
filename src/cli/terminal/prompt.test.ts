import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from '../../testing/folder.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { onTerminal, type Typed } from '../../testing/process.ts'
import { requireTool } from '../../testing/tools.ts'

/** Asks on a real pseudo-terminal. The last line of the screen is the answer as JSON, or the exit code. */
async function ask(question: string, ...typed: Typed[]) {
  using folder = temporaryFolder()
  const entry = folder.write(
    'ask.ts',
    `import { terminalPrompts } from ${JSON.stringify(join(import.meta.dir, 'prompt.ts'))}
     const prompts = terminalPrompts({ input: process.stdin, output: process.stderr, suspend: () => {} })
     await prompts.${question}.then(
       answer => console.log('ANSWER ' + JSON.stringify(answer)),
       error => { console.log('ERROR ' + error.code); process.exitCode = error.exit },
     )`,
  )
  const { code, screen } = await onTerminal('', typed, { entry })
  return {
    code,
    screen,
    answer: /ANSWER (.*?)\r?\n/.exec(screen)?.[1],
    error: /ERROR (\w+)/.exec(screen)?.[1],
  }
}

test('a password is masked', async () => {
  const { code, screen, answer } = await ask(`password('Secret')`, { when: /Secret/, keys: 'hunter2\r' })
  expect({ code, answer }).toEqual({ code: 0, answer: '"hunter2"' })
  expect(screen.replace(/ANSWER.*/s, '')).not.toContain('hunter2')
  expect(screen).toContain('*******')
})

test.each([
  ['y\r', 'true'],
  ['\r', 'false'],
  ['n\r', 'false'],
])('%j confirms: %s', async (keys, answer) => {
  expect(await ask(`confirm('Go on?')`, { when: /Go on/, keys })).toMatchObject({ code: 0, answer })
})

test('a name is typed', async () => {
  expect(await ask(`text('Type ci:')`, { when: /Type ci/, keys: 'ci\r' })).toMatchObject({ answer: '"ci"' })
})

const questions = [
  `password('Ask')`,
  `confirm('Ask')`,
  `text('Ask')`,
  `select('Ask', [{ value: 'a' }, { value: 'b' }])`,
  `search('Ask', async () => [{ value: 'a' }])`,
]

test.each([
  ['Ctrl-C interrupts', '\x03', { code: 130, error: 'interrupted' }],
  ['Ctrl-D cancels', '\x04', { code: 6, error: 'not_confirmed' }],
])('%s, whatever is asked', async (_, keys, expected) => {
  const asked = await Promise.all(questions.map(question => ask(question, { when: /Ask/, keys })))
  for (const { code, error } of asked) expect({ code, error }).toEqual(expected)
})

test('one of a few is chosen with the arrows, from what plain Enter stands for', async () => {
  const few = `select('Which', [{ value: 'a' }, { value: 'b', name: 'B' }, { value: 'c' }], 'b')`
  expect(await ask(few, { when: /Which/, keys: '\r' })).toMatchObject({ answer: '"b"' })
  expect(await ask(few, { when: /Which/, keys: '\x1b[B\r' })).toMatchObject({ answer: '"c"' })
})

test('one of many is found by typing', async () => {
  const many = `search('Which', async typed => ['ada', 'bob', 'bea'].filter(n => n.startsWith(typed)).map(value => ({ value, about: ['x', null] })))`
  const found = await ask(many, { when: /Which/, keys: 'be' }, { when: /❯ bea {2}x/, keys: '\r' })
  expect(found).toMatchObject({ answer: '"bea"' })
})

test('a choice takes one line, however much there is to say about it', async () => {
  const wide = `search('Which', async () => [{ value: '日'.repeat(30), about: ['b'.repeat(60)] }, { value: 'z' }])`
  const { screen } = await ask(wide, { when: /Which[\s\S]*z/, keys: '\x1b[B\r' })
  const drawn = Bun.stripANSI(screen)
    .split(/[\r\n]+/)
    .filter(line => line.includes('日'))
  expect(drawn.length).toBeGreaterThan(0)
  for (const line of drawn) expect([line.at(-1), Bun.stringWidth(line) < 80]).toEqual(['…', true])
})

test('a question and what is wrong with its answer are folded between words, and a path is not', async () => {
  const path = `/${'x'.repeat(40)}`
  const long = 'words '.repeat(20).trim()
  const strict = `text('${long} ${path}', { validate: async typed => typed === 'x' ? '${long}' : undefined })`
  const { screen } = await ask(
    strict,
    { when: /xxx/, keys: 'x\r' },
    { when: />[\s\S]*words/, keys: '\x7f\r' },
  )
  const lines = Bun.stripANSI(screen).split(/[\r\n]+/)
  for (const line of lines) expect(line.trim()).not.toMatch(/\bw(o(rd?)?)?$|^(o?r)?d?s\b/)
  expect(lines.some(line => line.trimEnd().startsWith(path))).toBe(true)
})

test('an answer is asked for again until it fits', async () => {
  const strict = `text('Number', { validate: async typed => /^\\d+$/.test(typed) ? undefined : 'digits only' })`
  const { answer, screen } = await ask(
    strict,
    { when: /Number/, keys: 'x\r' },
    { when: /digits only/, keys: '\x7f7\r' },
  )
  expect(answer).toBe('"7"')
  expect(screen).toContain('digits only')
})

requireTool('bash')('Ctrl-Z gives the terminal to the shell, and fg comes back to the question', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'web' })
  await home.latchkey.close()
  const { lines, screen } = await onTerminal(
    'key show',
    [
      { when: /ready> /, keys: '"$@"\r' },
      { when: /navigate/, keys: '\x1a' },
      { when: /Stopped[\s\S]*ready> /, keys: 'fg\r' },
      // Without a key press: the picker draws itself again.
      { when: /fg\r\n[\s\S]*Which key[\s\S]*web[\s\S]*navigate/, keys: 'we' },
      { when: /we[\s\S]*navigate/, keys: '\r' },
      { when: /ready> /, keys: 'exit\r' },
    ],
    {
      db: home.path,
      env: { PS1: 'ready> ' },
      wrap: command => ['bash', '--norc', '-i', '-s', '--', ...command],
    },
  )
  expect(
    lines.some(line => line.includes('latchkey key show web')),
    screen,
  ).toBe(true)
})
