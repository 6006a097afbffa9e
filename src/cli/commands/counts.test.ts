// Runs on PostgreSQL too.
/** Numbers before words, in what people read. */
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { splitWords } from '../../testing/words.ts'

async function home() {
  const made = await temporaryLatchkey('2026-11-20T12:00:00Z')
  await made.latchkey.users.create({ username: 'alice' })
  const at = (line: string) => run(line, { db: made.path, cwd: made.folder, now: made.clock.now })
  return { ...made, at, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

/** A number of one before a word in the plural. Others that end in s: is, was, has, as. */
const wrong = /(?<![\d.,:-])1 (?!\w*[aiu]s\b)[a-z]+s\b/

test('of one thing nothing says several', async () => {
  await using there = await home()
  const said: string[] = []
  for (const line of [
    'key create ci --user alice',
    'usage record ci --input-tokens 1 --cost-usd 0.5',
    'usage record ci --input-tokens 1 --model unknown',
    'key create other --user alice',
    'usage record other --input-tokens 1 --model unknown',
    'key stats other',
    'usage report',
    'usage report --by key,day',
    'usage report --html report.html',
    'project create Shop --owner alice',
    'user offboard alice',
    'key list --search other',
    'key disable --search other --all-matching --yes',
    'audit verify',
    'usage check',
    'user show alice',
  ]) {
    const { code, out, err } = await there.at(line)
    expect([line, code]).toEqual([line, 0])
    said.push(...`${out}${err}`.split('\n').map(text => `${line}: ${text}`))
  }
  const page = await Bun.file(`${there.folder}/report.html`).text()
  said.push(...page.replace(/<[^>]*>/g, '').split('\n'))
  expect(said).toContain('usage record ci --input-tokens 1 --cost-usd 0.5: Recorded 1 token and $0.50 for ci')
  expect(said.filter(text => wrong.test(text))).toEqual([])
})

test('several new keys are several, and the command that bounds them takes all of them and no other', async () => {
  await using there = await home()
  await there.latchkey.keys.create({ name: 'cc' })
  const { err, code } = await there.at('key create cc --count 2 --out secrets')
  expect(code).toBe(0)
  const [made, remark = ''] = err.split('\n')
  expect(made).toBe('Created 2 keys')
  expect(remark).toBe(
    'They have no owner, no limit and no expiry. Set them with: latchkey key update --search cc- --all-matching --expect-count 2 --user USER --limit tokens=100k/5h --expires 90d',
  )
  const [, words = ''] = remark.split('latchkey ')
  expect(
    (
      await run([...splitWords(words.replace('USER', 'alice')), '--yes'], {
        db: there.path,
        now: there.clock.now,
      })
    ).code,
  ).toBe(0)
  const { keys } = there.latchkey
  expect((await keys.list({ user: 'alice' })).map(({ name }) => name).sort()).toEqual(['cc-1', 'cc-2'])
  expect((await there.at('key create dd --count 2')).err).toStartWith(
    'Copy them now: they cannot be shown again.\n',
  )
  const again = await there.at('key create cc --count 2 --out more --if-not-exists')
  expect(again.err).toBe('Unchanged: 2 keys already exist\n')
})
