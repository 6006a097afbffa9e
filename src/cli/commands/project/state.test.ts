import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'

test('the state of an agent is set, filled, shown and reset', async () => {
  await using made = await temporaryLatchkey()
  await made.latchkey.users.create({ username: 'alice' })
  await made.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  const said = async (line: string, options = {}) => {
    const { code, out, err } = await run(`project state ${line}`, { db: made.path, ...options })
    expect([code, err]).toEqual([0, ''])
    return out
  }
  expect(await said('show shop')).toBe('shop: idle\n0 files, 0 messages, changed never\n')
  expect(await said('set shop --state generating --phase Layout --sandbox s1')).toBe(
    'The agent of shop is generating\n',
  )
  expect(await said('set shop --no-sandbox --preview https://x.example.org')).toBe(
    'The agent of shop is generating\n',
  )
  expect(await said('phase add shop Layout --touches a.html --touches b.html')).toBe(
    'Added phase 1, Layout, to shop\n',
  )
  expect(await said('phase complete shop 1')).toBe('Completed phase 1, Layout\n')
  expect(await said('phase complete shop Layout')).toBe('Unchanged: phase 1, Layout\n')
  expect(await said('file add shop a.html')).toBe('Added a.html\n')
  expect(await said('message add shop Hello')).toBe('Added message 1 to shop\n')
  expect(await said('message add shop - --role assistant', { stdin: 'Done' })).toBe(
    'Added message 2 to shop\n',
  )
  expect(JSON.parse(await said('message list shop --after 1 --json'))).toMatchObject([
    { role: 'assistant', content: 'Done' },
  ])
  const shown = await said('show shop')
  expect(shown).toContain('shop: generating, Layout\npreview https://x.example.org\n1. Layout, completed 20')
  expect(shown).toContain('1 file, 2 messages')
  const refused = await run('project state reset shop', { db: made.path })
  expect(refused.code).toBe(6)
  expect(await said('reset shop --yes')).toBe('Reset the agent of shop\n')
  expect(await said('reset shop --yes')).toBe('Unchanged: the agent of shop\n')
})
