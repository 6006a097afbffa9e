import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from '../testing/folder.ts'
import { onTerminal, type Typed } from '../testing/process.ts'

/** Asks on a real pseudo-terminal; the last line of the screen is the answer as JSON, or the exit code. */
async function ask(question: string, ...typed: Typed[]) {
  using folder = temporaryFolder()
  const entry = folder.write(
    'ask.ts',
    `import { terminalPrompts } from ${JSON.stringify(join(import.meta.dir, 'prompt.ts'))}
     const prompts = terminalPrompts({ input: process.stdin, output: process.stderr })
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

test.each([
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
])('%s interrupts with 130, whatever is asked', async (_, keys) => {
  for (const question of [`password('Ask')`, `confirm('Ask')`, `text('Ask')`]) {
    expect(await ask(question, { when: /Ask/, keys })).toMatchObject({ code: 130, error: 'interrupted' })
  }
})
