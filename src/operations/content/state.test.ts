// Runs on PostgreSQL too.
import { afterEach, expect, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryLatchkey } from '../../testing/latchkey.ts'

let made: Awaited<ReturnType<typeof temporaryLatchkey>> | undefined
afterEach(async () => {
  await made?.[Symbol.asyncDispose]()
  made = undefined
})

async function home() {
  made = await temporaryLatchkey()
  await made.latchkey.users.create({ username: 'alice' })
  for (const name of ['Shop', 'Blog']) await made.latchkey.projects.create({ name, owner: 'alice' })
  return { ...made, agents: made.latchkey.agents }
}

const idle = {
  currentState: 'idle',
  currentPhase: null,
  sandboxId: null,
  previewUrl: null,
  phases: [],
  files: [],
  messages: 0,
  createdAt: null,
  updatedAt: null,
}
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    error => error.code,
  )

test('a project is idle until its state is set, and again once it is reset', async () => {
  const { agents, clock, latchkey } = await home()
  expect(await agents.get('shop')).toMatchObject({ project: { slug: 'shop' }, ...idle })
  expect(await agents.reset('shop')).toMatchObject({ changed: false })
  const at = clock.now
  const set = { currentState: 'generating', currentPhase: 'Layout', sandboxId: 's1' }
  expect(await agents.set('shop', set)).toMatchObject({
    ...idle,
    ...set,
    createdAt: at,
    updatedAt: at,
    changed: true,
  })
  clock.now = new Date('2026-11-21T00:00:00Z')
  expect(await agents.set('shop', set)).toMatchObject({ updatedAt: at, changed: false })
  expect(await agents.set('shop', { sandboxId: null, previewUrl: 'https://shop.example.org' })).toMatchObject(
    {
      currentState: 'generating',
      sandboxId: null,
      previewUrl: 'https://shop.example.org',
      createdAt: at,
      updatedAt: clock.now,
    },
  )
  await agents.addPhase('shop', { name: 'Layout', files: ['index.html'] })
  await agents.addFile('shop', 'index.html')
  await agents.addMessage('shop', { role: 'user', content: 'Blue, please' })
  expect(await agents.reset('shop')).toMatchObject({ ...idle, changed: true })
  expect(await agents.messages('shop')).toEqual({ messages: [], total: 0 })
  expect((await latchkey.audit.list({ limit: 6 })).map(({ action }) => action)).toEqual([
    'project.state-reset',
    'project.state-message',
    'project.state-file',
    'project.state-phase',
    'project.state-set',
    'project.state-set',
  ])
  expect(await codeOf(agents.set('shop', {}))).toBe('invalid')
  expect(await codeOf(agents.set('nothing', set))).toBe('not_found')
})

test('phases are completed by position or name, once', async () => {
  const { agents, clock } = await home()
  expect(await agents.addPhase('shop', { name: 'Layout', description: 'First' })).toMatchObject({
    position: 1,
    name: 'Layout',
    description: 'First',
    files: [],
    isLast: false,
    completedAt: null,
  })
  expect(await agents.addPhase('shop', { name: 'Cart', isLast: true })).toMatchObject({
    position: 2,
    isLast: true,
  })
  await agents.addPhase('shop', { name: 'Cart' })
  expect(await agents.completePhase('shop', 'Layout')).toMatchObject({
    completedAt: clock.now,
    changed: true,
  })
  const then = clock.now
  clock.now = new Date('2026-11-21T00:00:00Z')
  expect(await agents.completePhase('shop', 1)).toMatchObject({ completedAt: then, changed: false })
  expect(await codeOf(agents.completePhase('shop', 'Cart'))).toBe('ambiguous')
  expect(await codeOf(agents.completePhase('blog', 1))).toBe('not_found')
  expect((await agents.get('shop')).phases.map(({ completedAt }) => completedAt)).toEqual([then, null, null])
})

test('a file is in the list once, and messages have pages', async () => {
  const { agents } = await home()
  for (const path of ['b', 'a', 'b']) await agents.addFile('shop', path)
  expect(await agents.addFile('shop', 'a')).toMatchObject({ path: 'a', position: 2, added: false })
  expect((await agents.get('shop')).files).toEqual(['b', 'a'])
  expect(await codeOf(agents.addFile('shop', '../x'))).toBe('invalid')
  for (const content of ['1', '2', '3']) await agents.addMessage('shop', { role: 'assistant', content })
  const said = async (page: object) => {
    const { messages, total } = await agents.messages('shop', page)
    return [messages.map(({ content }) => content).join(''), total]
  }
  expect(await said({})).toEqual(['123', 3])
  expect(await said({ after: 1, limit: 1 })).toEqual(['2', 3])
  expect(await said({ descending: true, after: 3 })).toEqual(['21', 3])
  expect(await codeOf(agents.addMessage('shop', { role: 'system', content: '' }))).toBe('invalid')
})

test('a dry run of each changes nothing', async () => {
  const { dry, agents } = await home()
  expect(await dry.agents.addMessage('shop', { role: 'user', content: 'x' })).toMatchObject({ position: 1 })
  expect(await dry.agents.addFile('shop', 'x')).toMatchObject({ added: true })
  expect(await dry.agents.addPhase('shop', { name: 'x' })).toMatchObject({ position: 1 })
  expect(await dry.agents.set('shop', { currentState: 'x' })).toMatchObject({ changed: true })
  expect(await agents.get('shop')).toMatchObject(idle)
})

/** As many as 1,000 in `bun run test:long`. */
const each = Number(process.env['LATCHKEY_AGENT_MESSAGES'] ?? 25)

test('eight processes that add messages at the same time lose none', async () => {
  const { agents, path, query } = await home()
  const writer = (n: number) =>
    Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, '../../testing/agent-writer.ts'),
        path,
        String(n),
        String(each),
      ],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
  const ended = await Promise.all(Array.from({ length: 8 }, (_, n) => writer(n).exited))
  expect(ended).toEqual(ended.map(() => 0))
  const { messages, total } = await agents.messages('shop', { limit: 8 * each })
  expect(total).toBe(8 * each)
  expect(messages.map(({ position }) => position)).toEqual(messages.map((_, at) => at + 1))
  const said = (n: number) =>
    messages.filter(({ content }) => content.startsWith(`${n}:`)).map(({ content }) => content)
  for (let n = 0; n < 8; n++) expect(said(n)).toEqual(Array.from({ length: each }, (_, at) => `${n}:${at}`))
  const rows = await query("SELECT count(*) AS n FROM audit WHERE action = 'project.state-message'")
  expect(Number(Object.values(Object(rows[0]))[0])).toBe(8 * each)
})
