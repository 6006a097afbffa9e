/** What the catalogue of nouns promises, claimed of each: a new one is made by the first example of its `create`. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { completionRequest } from './cli/line/walk.ts'
import { type Noun, nounNames, nouns } from './contract/nouns.ts'
import { parentsFirst, stored, uniqueFields } from './operations/nouns.ts'
import { declarationOf } from './testing/every-command.ts'
import { temporaryLatchkey } from './testing/latchkey.ts'
import { type RunOptions, run } from './testing/run.ts'

setDefaultTimeout(120_000)

interface Named {
  readonly id: string
  readonly label: string
}

/** A database with the first two things of each noun that the help speaks of, those that others refer to first. */
async function home() {
  const base = await temporaryLatchkey()
  const succeed = async (line: string, options: RunOptions = {}) => {
    const ran = await run(line, { db: base.path, ...options })
    expect(ran, line).toMatchObject({ code: 0 })
    return ran
  }
  const made = new Map<Noun, readonly [Named, Named]>()
  const before = (await base.latchkey.roles.list()).roles.map(({ id }) => id)
  for (const noun of parentsFirst) {
    const ofThis: Named[] = []
    for (const example of declarationOf(`${noun} create`).examples.slice(0, 2)) {
      const view = (await succeed(`${example.replace('latchkey ', '')} --json`)).json<
        Record<string, string>
      >()
      ofThis.push({ id: view['id']!, label: view[nouns[noun].label]! })
    }
    made.set(noun, [ofThis[0]!, ofThis[1]!])
  }
  /** Erases every thing, those that refer to others first, until this one is gone. */
  const erase = async (noun: Noun) => {
    const [{ id }] = made.get(noun)!
    for (const each of parentsFirst.toReversed()) {
      if (each === noun) return succeed(`${noun} delete ${id} --yes`)
      for (const thing of made.get(each)!) await succeed(`${each} delete ${thing.id} --yes`)
    }
    throw new Error(`nothing erases a ${noun}`)
  }
  return { ...base, before, made, succeed, erase, [Symbol.asyncDispose]: () => base[Symbol.asyncDispose]() }
}

test.each([...nounNames])('a %s is found by its label, its id and the start of it', async noun => {
  await using there = await home()
  const [{ id, label }] = there.made.get(noun)!
  expect(id).toStartWith(`${nouns[noun].prefix}_`)
  for (const selector of [label, label.toUpperCase(), id, id.slice(0, -1)]) {
    const { json } = await there.succeed(`${noun} show ${selector} --json`)
    expect(json()).toMatchObject({ id, [nouns[noun].label]: label })
  }
  const near = await run(`${noun} show ${label}x --json`, { db: there.path })
  expect(near).toMatchObject({ code: 3 })
  expect(near.err).toContain(`no ${noun} matches`)
  expect(near.err).toContain(`did you mean ${label}?`)
  const several = await run(`${noun} show ${id.slice(0, nouns[noun].prefix.length + 7)} --json`, {
    db: there.path,
  })
  expect(several.err).toContain('ambiguous')
})

const alone = nounNames.filter(noun => nouns[noun].isUnique !== false)

test.each(alone)('what a %s is called belongs to one alone', async noun => {
  await using there = await home()
  const [{ label }, other] = there.made.get(noun)!
  const given = `--${nouns[noun].label} ${label}`
  const taken = await run(`${noun} update ${other.id} ${given} --json`, { db: there.path })
  expect(taken).toMatchObject({ code: 5 })
  expect(taken.err).toContain('is taken by')
})

test.each([...nounNames])('a %s is completed and picked', async noun => {
  await using there = await home()
  const [{ id, label }] = there.made.get(noun)!
  const offered = await run([completionRequest, noun, 'show', label.slice(0, 2)], { db: there.path })
  expect(offered.out).toContain(`${label}\t${id}\n`)
  const search: NonNullable<RunOptions['prompts']>['search'] = async (message, find) => {
    expect(message).toBe(`Which ${noun}?`)
    const [found, ...others] = await find(label)
    expect(others).toEqual([])
    return found!.value
  }
  const shown = await there.succeed(`${noun} show`, { tty: true, prompts: { search } })
  expect(shown.out).toContain(id)
  expect(shown.err).toContain(`latchkey ${noun} show ${nouns[noun].isUnique === true ? label : id}`)
})

const shared = nounNames.filter(noun => nouns[noun].isUnique === false)

test.each(shared)(
  'what a %s is called may belong to several, who are then told apart by their id',
  async noun => {
    await using there = await home()
    const [{ label }, other] = there.made.get(noun)!
    await there.succeed(`${noun} rename ${other.id} ${label}`)
    const found = await run(`${noun} show ${label} --json`, { db: there.path })
    expect(found).toMatchObject({ code: 5 })
    expect(found.err).toContain(other.id)
    expect((await there.succeed(`${noun} show ${other.id} --json`)).json()).toMatchObject({ id: other.id })
  },
)

test.each([...nounNames])('a %s is listed, found by part of its label, and renamed', async noun => {
  await using there = await home()
  const [first, second] = there.made.get(noun)!
  const listed = async (line: string) =>
    (await there.succeed(`${noun} list ${line} --json`))
      .json<readonly { id: string }[]>()
      .map(({ id }) => id)
      .filter(id => !there.before.includes(id))
  expect(await listed('')).toEqual([first.id, second.id])
  expect(await listed(`--search '${second.label.slice(1)}'`)).toEqual([second.id])
  expect((await there.succeed(`${noun} list`, { tty: true })).out).toContain(first.label)
  const none = await there.succeed(`${noun} list --search nothing-has-this`, { tty: true })
  expect(none.err).toContain(`latchkey ${noun} list`)
  const { label } = nouns[noun]
  const [verb, line] =
    nouns[noun].isUnique !== false
      ? ['update', `update ${first.label} --${label} another`]
      : ['rename', `rename ${first.label} another`]
  const renamed = await there.succeed(`${noun} ${line} --json`)
  expect(renamed.json()).toMatchObject({
    changed: true,
    [label]: 'another',
    before: { [label]: first.label },
  })
  const [row] = await there.latchkey.audit.list({ target: first.id })
  expect(row).toMatchObject({
    action: `${noun}.${verb}`,
    before: { [label]: first.label },
    after: { [label]: 'another' },
  })
})

test.each([...nounNames])('a %s is told of in the audit trail', async noun => {
  await using there = await home()
  const [{ id, label }] = there.made.get(noun)!
  await there.erase(noun)
  const rows = await there.latchkey.audit.list({ target: id })
  const target = { type: noun, id, name: label }
  expect(rows).toMatchObject([
    { action: `${noun}.delete`, target, before: { id }, after: null },
    { action: `${noun}.create`, target, before: null, after: { id } },
  ])
})

test.each([...nounNames])('a %s is compared, and brought back, by a restore', async noun => {
  await using there = await home()
  const { plural } = nouns[noun]
  const [{ id, label }] = there.made.get(noun)!
  const before = (await there.succeed(`${noun} show ${id} --json`)).json()
  await there.succeed('backup create')
  await there.erase(noun)
  const whole = await there.succeed('restore --latest --dry-run --json')
  expect(whole.json()).toMatchObject({ changes: { [plural]: { added: expect.arrayContaining([label]) } } })
  const one = await there.succeed(`restore --latest --${noun} ${label} --yes --json`)
  expect(one.json()).toMatchObject({
    only: `${noun} ${label}`,
    changes: { [plural]: { added: expect.arrayContaining([label]), removed: [], changed: [] } },
  })
  expect((await there.succeed(`${noun} show ${id} --json`)).json()).toMatchObject(before as object)
  const [row] = await there.latchkey.audit.list({ action: `${noun}.restore` })
  expect(row).toMatchObject({ target: { type: noun, id, name: label } })
  await there.succeed('restore --undo --yes')
  expect(await run(`${noun} show ${id}`, { db: there.path })).toMatchObject({ code: 3 })
})

test('what the catalogue says is stored is what the schema has', async () => {
  await using there = await temporaryLatchkey()
  const rows = async <T>(sql: string) =>
    (await there.latchkey.database.query({ sql })) as unknown as readonly T[]
  const columns = async (table: string) =>
    (await rows<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`)).map(({ name }) => name)
  for (const noun of nounNames) {
    const { plural, prefix } = nouns[noun]
    const { selectedBy, belongsTo, parts, volatile, kept, narrows } = stored[noun]
    const known = await columns(plural)
    const named = [...uniqueFields(noun), ...selectedBy, ...Object.keys(belongsTo), ...volatile, ...kept]
    expect(known, noun).toEqual(expect.arrayContaining([...named, ...Object.keys(narrows)]))
    const references = await rows<{ from: string; table: string }>(
      `SELECT "from", "table" FROM pragma_foreign_key_list('${plural}')`,
    )
    expect(
      Object.entries(belongsTo)
        .map(([from, owner]) => [from, nouns[owner].plural])
        .sort(),
    ).toEqual(references.map(({ from, table }) => [from, table]).sort())
    for (const part of parts) {
      expect(await columns(part.table)).toEqual(expect.arrayContaining([part.by, ...part.columns]))
    }
    const [table] = await rows<{ sql: string }>(`SELECT sql FROM sqlite_schema WHERE name = '${plural}'`)
    expect(table!.sql).toContain(`GLOB '${prefix}_*'`)
  }
})
