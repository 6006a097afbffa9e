/** Every field of every option, filter and change is checked, by every operation that takes it. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Latchkey } from '../index.ts'
import { failure } from '../testing/failure.ts'
import { type TestLatchkey, temporaryLatchkey } from '../testing/latchkey.ts'
import * as chats from './chats/input.ts'
import * as content from './content/input.ts'
import * as backups from './file/backup/input.ts'
import * as file from './file/input.ts'
import * as imports from './import/input.ts'
import * as shared from './input.ts'
import * as keys from './keys/input.ts'
import * as limits from './limits/input.ts'
import * as organizations from './organizations/input.ts'
import * as people from './people/input.ts'
import * as rules from './rules/input.ts'
import * as usage from './usage/input.ts'

type Schema = v.GenericSchema & { readonly entries: Readonly<Record<string, unknown>> }
type Call = (latchkey: Latchkey, given: never) => Promise<unknown>

const all = (stream: AsyncIterable<unknown>): Promise<unknown> => Array.fromAsync(stream)
const { page, positions } = rules
const { createOptions } = shared
const alice = { username: 'alice2' }
const nobody = 'nobody'
const log = { file: 'log.ndjson' }

const operations: Readonly<Record<string, readonly [Call, ...unknown[]]>> = {
  'users.create': [(l, it) => l.users.create(alice, it), createOptions],
  'users.list': [(l, it) => l.users.list(it), people.userFilter, page],
  'users.stream': [(l, it) => all(l.users.stream(it)), people.userFilter, page],
  'users.update': [(l, it) => l.users.update('alice', it), people.userChanges],
  'users.disable': [(l, it) => l.users.disable('alice', it), people.disabling],
  'users.offboard': [(l, it) => l.users.offboard('alice', it), people.offboarding],
  'sessions.extend': [(l, it) => l.sessions.extend('ses', it), people.sessionLife],
  'sessions.revokeMatching': [
    (l, it) => l.sessions.revokeMatching(it),
    people.sessionFilter,
    people.allSessions,
  ],
  'sessions.list': [(l, it) => l.sessions.list(it), people.sessionFilter, page],
  'sessions.stream': [(l, it) => all(l.sessions.stream(it)), people.sessionFilter, page],
  'accounts.list': [(l, it) => l.accounts.list(it), people.accountFilter, page],
  'accounts.stream': [(l, it) => all(l.accounts.stream(it)), people.accountFilter, page],
  'accounts.unlink': [(l, it) => l.accounts.unlink(nobody, it), people.unlinking],
  'projects.create': [(l, it) => l.projects.create({ name: 'New', owner: 'alice' }, it), createOptions],
  'projects.list': [(l, it) => l.projects.list(it), people.projectFilter, page],
  'projects.stream': [(l, it) => all(l.projects.stream(it)), people.projectFilter, page],
  'projects.transfer': [(l, it) => l.projects.transfer('shop', it), people.projectOwner],
  'projects.update': [(l, it) => l.projects.update('shop', it), people.projectChanges],
  'projects.members.list': [(l, it) => l.projects.members.list('shop', it), page],
  'organizations.create': [
    (l, it) => l.organizations.create({ name: 'New', owner: 'alice' }, it),
    createOptions,
  ],
  'organizations.list': [(l, it) => l.organizations.list(it), organizations.organizationFilter, page],
  'organizations.update': [(l, it) => l.organizations.update('acme', it), organizations.organizationChanges],
  'organizations.members.list': [(l, it) => l.organizations.members.list('acme', it), page],
  'invitations.list': [(l, it) => l.invitations.list(it), organizations.invitationFilter, page],
  'teams.create': [(l, it) => l.teams.create({ name: 'New', org: 'acme' }, it), createOptions],
  'teams.list': [(l, it) => l.teams.list(it), organizations.teamFilter, page],
  'teams.update': [(l, it) => l.teams.update(nobody, it), organizations.teamChanges],
  'teams.members.list': [(l, it) => l.teams.members.list(nobody, it), page],
  'roles.create': [(l, it) => l.roles.create({ name: 'new', permissions: ['a:b'] }, it), createOptions],
  'roles.list': [(l, it) => l.roles.list(it), organizations.roleFilter, page],
  'roles.update': [(l, it) => l.roles.update(nobody, it), organizations.roleChanges],
  'access.check': [(l, it) => l.access.check('alice', 'a:b', it), organizations.accessOn],
  'access.authorize': [(l, it) => l.access.authorize('alice', 'a:b', it), organizations.accessOn],
  'access.list': [(l, it) => l.access.list('alice', it), page],
  'chats.list': [(l, it) => l.chats.list(it), chats.chatPage, page],
  'chats.messages': [(l, it) => l.chats.messages(nobody, it), positions],
  'chats.search': [(l, it) => l.chats.search('word', it), chats.messageSearch],
  'chats.prune': [(l, it) => l.chats.prune(it), chats.chatFilter],
  'files.put': [(l, it) => l.files.put('shop', 'a.txt', 'text', it), content.fileOptions],
  'files.list': [(l, it) => l.files.list('shop', it), content.fileFilter, page],
  'files.move': [(l, it) => l.files.move('shop', 'a.txt', 'b.txt', it), content.fileCondition],
  'files.remove': [(l, it) => l.files.remove('shop', 'a.txt', it), content.fileCondition],
  'files.history': [(l, it) => l.files.history('shop', it), content.historyFilter, page],
  'files.sync': [(l, it) => l.files.sync('shop', [], it), content.syncing],
  'files.planSync': [(l, it) => l.files.planSync('shop', [], it), content.syncing],
  'agents.set': [(l, it) => l.agents.set('shop', it), content.agentChanges],
  'agents.messages': [(l, it) => l.agents.messages('shop', it), positions],
  'keys.create': [(l, it) => l.keys.create({ name: 'new' }, it), createOptions],
  'keys.createMany': [(l, it) => l.keys.createMany({ name: 'new' }, 2, it), createOptions],
  'keys.list': [(l, it) => l.keys.list(it), keys.keyFilter, keys.paging],
  'keys.stream': [(l, it) => all(l.keys.stream(it)), keys.keyFilter, keys.paging],
  'keys.export': [(l, it) => all(l.keys.export(it)), keys.keyFilter],
  'keys.activity': [(l, it) => l.keys.activity([], it), keys.activityOptions],
  'keys.stats': [(l, it) => l.keys.stats('ci', it), keys.statsOptions],
  'keys.update': [(l, it) => l.keys.update('ci', it), keys.keyChanges],
  'keys.rotate': [(l, it) => l.keys.rotate('ci', it), keys.rotateOptions],
  'keys.revoke': [(l, it) => l.keys.revoke('ci', it), keys.revokeOptions],
  'keys.matching': [(l, it) => l.keys.matching(it, 'revoke'), keys.keyFilter],
  'keys.matching, expecting': [(l, it) => l.keys.matching({ user: 'alice' }, 'revoke', it), keys.expectation],
  'keys.matching, a verb': [(l, { verb }) => l.keys.matching({ user: 'alice' }, verb), keys.bulkChange],
  'keys.changeMatching': [(l, it) => l.keys.changeMatching(it, { verb: 'revoke' }), keys.keyFilter],
  'keys.changeMatching, expecting': [
    (l, it) => l.keys.changeMatching({ user: 'alice' }, { verb: 'revoke' }, it),
    keys.expectation,
  ],
  'keys.changeMatching, a change': [(l, it) => l.keys.changeMatching({ user: 'alice' }, it), keys.bulkChange],
  'keys.import': [(l, it) => l.keys.import({ file: 'x.csv' }, it), keys.keyImportOptions],
  'limits.reset': [(l, it) => l.limits.reset({ key: 'ci' }, it), limits.resetOptions],
  'usage.record': [(l, it) => l.usage.record('ci', it), usage.usageInput],
  'usage.settle': [(l, it) => l.usage.settle('res_1', it), usage.usageInput],
  'usage.reserve': [(l, it) => l.usage.reserve('ci', it), usage.reserveOptions],
  'usage.ingest': [(l, it) => l.usage.ingest({ ...log, ...(it as object) }), usage.ingestOptions],
  'usage.report': [(l, it) => l.usage.report(it), usage.reportOptions],
  'usage.streamReport': [(l, it) => all(l.usage.streamReport(it)), usage.reportOptions],
  'usage.overview': [(l, it) => l.usage.overview(it), usage.reportOptions],
  'usage.check': [(l, it) => l.usage.check(it), usage.checkOptions],
  'usage.compact': [(l, it) => l.usage.compact(it), usage.compactOptions],
  'usage.prices.list': [(l, it) => l.usage.prices.list(it), usage.priceFilter],
  'usage.prices.remove': [(l, it) => l.usage.prices.remove('gpt-x', it), usage.removedPrices],
  'usage.prices.import': [(l, it) => l.usage.prices.import(it), usage.priceImportOptions],
  'usage.prices.planImport': [(l, it) => l.usage.prices.planImport(it), usage.priceImportOptions],
  'audit.list': [(l, it) => l.audit.list(it), shared.auditFilter, page],
  'audit.export': [(l, it) => all(l.audit.export(it)), shared.auditFilter],
  'audit.verify': [(l, it) => l.audit.verify(it), shared.auditCheckInput],
  'audit.planPrune': [(l, it) => l.audit.planPrune(it), shared.auditPruning],
  'audit.prune': [(l, it) => l.audit.prune(it), shared.auditPruning],
  'imports.dokify': [(l, it) => l.imports.dokify({ ...log, ...(it as object) }), imports.importOptions],
  'imports.undo': [(l, it) => l.imports.undo(nobody, it), imports.undoOptions],
  'backups.create': [(l, it) => l.backups.create(it), backups.createBackupInput, backups.runInput],
  'backups.list': [(l, it) => l.backups.list(it), backups.listInput],
  'backups.get': [(l, it) => l.backups.get(it), backups.chosenBackup],
  'backups.verify': [(l, it) => l.backups.verify(it), backups.verifyInput],
  'backups.prune': [(l, it) => l.backups.prune(it), backups.pruneInput],
  'backups.prune, a policy': [(l, it) => l.backups.prune({ keep: it }), backups.keepPolicy],
  'backups.planPrune': [(l, it) => l.backups.planPrune(it), backups.pruneInput],
  'backups.status': [(l, it) => l.backups.status(it), backups.statusInput],
  'backups.unschedule': [(l, it) => l.backups.unschedule(it), backups.unscheduleInput],
  'backups.restorable': [
    (l, it) => l.backups.restorable(it),
    backups.chosenBackup,
    backups.chosenState,
    backups.restoring,
  ],
  'backups.planRestore': [
    (l, it) => l.backups.planRestore(it),
    backups.chosenBackup,
    backups.chosenState,
    backups.restoring,
  ],
  'backups.restore': [
    (l, it) => l.backups.restore(it),
    backups.chosenBackup,
    backups.chosenState,
    backups.restoring,
  ],
  'database.copy': [(l, it) => l.database.copy(it), file.copying],
  'database.query': [(l, it) => l.database.query({ sql: 'SELECT 1', ...(it as object) }), file.query],
  'database.transfer': [
    (l, it) => l.database.transfer({ from: 'a.db', to: 'b.db', ...(it as object) }),
    file.transfer,
  ],
  initialize: [(l, it) => l.initialize(it), file.newDatabase],
}

/** What no field takes. */
const bad: readonly unknown[] = [-1.5, [[]], new Date(Number.NaN)]

/** Fields that take anything that is JSON, or selectors, which are looked up. */
const isOpen = (name: string, field: string): boolean =>
  ['metadata', 'usage', 'key'].includes(field) || (field === 'after' && /^keys\.(list|stream)$/.test(name))

/** Whether valibot would take any other object for it. */
const isObject = (field: string): boolean => ['keep', 'params'].includes(field)

let home: TestLatchkey
beforeAll(async () => {
  home = await temporaryLatchkey()
  await home.latchkey.users.create({ username: 'alice' })
  await home.latchkey.organizations.create({ name: 'Acme', owner: 'alice' })
  await home.latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await home.latchkey.keys.create({ name: 'ci', user: 'alice' })
})
afterAll(() => home[Symbol.asyncDispose]())

test.each(Object.entries(operations))('%s refuses what no field can be, by name', async (name, parts) => {
  const [call, ...schemas] = parts
  const before = await home.dump()
  for (const field of (schemas as Schema[]).flatMap(({ entries }) => Object.keys(entries))) {
    for (const value of isOpen(name, field) ? [] : isObject(field) ? [-1.5] : bad) {
      const refused = await failure(call(home.latchkey, { [field]: value } as never))
      const what = `${name} ${field}: ${Bun.inspect(value)}`
      expect(refused, what).toMatchObject({ code: 'invalid', exit: 2 })
      expect(refused.message.replaceAll(' ', '').toLowerCase(), what).toContain(
        field.replace(/(In|For)?Ms$/, '').toLowerCase(),
      )
      expect(refused.hint, what).not.toBe('')
    }
  }
  expect(await home.dump()).toBe(before)
})

test.each(['today', 1, new Date(Number.NaN)])('a verdict is for a time: %p', async at => {
  const options = { at } as never
  for (const asked of [
    home.latchkey.keys.verify('no secret', options),
    home.latchkey.keys.explain('ci', options),
  ])
    expect(await failure(asked)).toMatchObject({ code: 'invalid' })
})

test('every input with nothing that is required is tried', async () => {
  const tried = new Set(Object.values(operations).flatMap(([, ...schemas]) => schemas))
  const files = [...new Bun.Glob('**/input.ts').scanSync({ cwd: import.meta.dir, absolute: true })]
  const untried: string[] = []
  for (const each of files) {
    const module = (await import(each)) as Readonly<Record<string, unknown>>
    for (const [name, schema] of Object.entries(module))
      if (isInput(schema) && v.is(schema, {}) && !tried.has(schema)) untried.push(name)
  }
  expect(untried).toEqual([])
})

const isInput = (found: unknown): found is Schema =>
  typeof found === 'object' && found !== null && 'entries' in found && Reflect.get(found, 'kind') === 'schema'

/** What has no schema, and why. */
const unchecked: Readonly<Record<string, readonly string[]>> = {
  'selects something, and is looked up': [
    ...['KeySelector', 'ChatSelector', 'TeamSelector', 'RoleSelector', 'SessionSelector'],
    ...['Limited', 'MembersLimited', 'OneThing'],
  ],
  'is checked by verify, in less time': ['VerifyOptions', 'GuardOptions', 'Wanted'],
  'is checked by createRecorder': ['RecorderOptions'],
  'has functions or bytes': ['Delivery', 'NewKeyOptions', 'SourceFile', 'FileBody', 'Carrier', 'Recorder'],
  'is what comes back': ['OpenFile', 'FileHistory', 'Admitted', 'Refused', 'Authorized'],
  'differs by its verb': ['BulkChange'],
  'says who acts': ['Actor'],
  'is made by this program alone': ['SeedPart', 'SeedOptions', 'Diagnosis'],
}

/** A type made from a schema, a part of a list, or a list that comes back. */
const isChecked = /Input<typeof \w+>|rules\.(Part|Positions)\b|PageOf<|Partial</

test('what the library takes has a schema', async () => {
  const known = Object.values(unchecked).flat()
  const bare: string[] = []
  for (const each of new Bun.Glob('**/input.ts').scanSync({ cwd: import.meta.dir })) {
    if (each === 'rules/input.ts') continue
    const text = await Bun.file(join(import.meta.dir, each)).text()
    for (const part of text.split(/^export /m)) {
      const [declared = ''] = part.split('\n\n')
      const [, name] = /^(?:interface|type) (\w+)/.exec(declared) ?? []
      if (name !== undefined && !isChecked.test(declared)) bare.push(name)
    }
  }
  expect(bare.toSorted()).toEqual(known.toSorted())
})
