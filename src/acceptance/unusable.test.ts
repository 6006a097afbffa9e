/** Every command on every kind of database that cannot be used. */
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, spyOn, test } from 'bun:test'
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import {
  about,
  changes,
  declarationOf,
  everyCommand,
  failureProblems,
  printsJson,
  type Run,
  resultProblems,
  type Scene,
  withJson,
} from '../testing/every-command.ts'
import { canStepDown, requirePresent } from '../testing/tools.ts'

const { runEach } = everyCommand()

/** What is damaged here stays so: nothing comes of looking again a moment later, which each command would do ten times. */
let wait: ReturnType<typeof spyOn<typeof Bun, 'sleepSync'>>
beforeAll(() => {
  wait = spyOn(Bun, 'sleepSync').mockImplementation(() => {})
})
afterAll(() => wait.mockRestore())

/** What a run has to come to. */
type Outcome =
  /** An error, with nothing on stdout and nothing changed. */
  | { readonly error: number; readonly codes: readonly string[] }
  /** Its usual document under this exit code, with nothing changed. */
  | { readonly document: number }
  /** Its usual document and 0: what it is there to do, it did. */
  | { readonly done: true }

interface Unusable {
  readonly spoil?: (db: string, folder: string) => void
  readonly readOnly?: true
  /** What nearly every command comes to. */
  readonly usual: (effect: 'read' | 'write' | 'destroy') => Outcome
  readonly otherwise: Readonly<Record<string, Outcome>>
}

const document = (exit: number): Outcome => ({ document: exit })
const failed = (error: number, ...codes: string[]): Outcome => ({ error, codes })
const done: Outcome = { done: true }

/** These never look at the database; verifying notes its pass beside the backup. */
const indifferent = {
  demo: document(0),
  version: document(0),
  'config show': document(0),
  'config get': document(0),
  'config set': done,
  'config unset': document(0),
  'config path': document(0),
  'config profiles': document(0),
  'config validate': document(0),
  'completion install': done,
  schema: document(0),
  man: document(0),
  'backup list': document(0),
  'backup show': document(0),
  'backup prune': document(0),
  'backup status': document(0),
  'backup schedule': document(0),
  'backup unschedule': document(0),
  'backup verify': done,
}
/** Something is there, and init does not care what. */
const occupied = { init: failed(5, 'conflict') }
const isCorrupt = () => failed(7, 'corrupt')
/** A damaged database is what restore is for, and what the two checks report. */
const damaged = { ...indifferent, ...occupied, restore: done, health: document(7), doctor: document(7) }

const unusable: Readonly<Record<string, Unusable>> = {
  missing: {
    spoil: db => rmSync(db),
    usual: () => failed(78, 'database_missing'),
    otherwise: { ...indifferent, init: done, restore: done, doctor: document(1) },
  },
  'read-only': {
    readOnly: true,
    usual: effect => (effect === 'read' ? document(0) : failed(78, 'database_readonly', 'permission')),
    otherwise: {
      ...occupied,
      'config set': failed(78, 'config'),
      'config unset': document(0),
      // A hash of the newest kind is not replaced.
      'user check-password': document(0),
      // There is nothing to migrate or mend, and no folder in which to note the pass.
      'migrate up': document(0),
      'usage check': document(0),
      'backup verify': document(0),
      // What is kept needs no writing, and the crontab lies elsewhere.
      'backup prune': document(0),
      'backup schedule': document(0),
      'backup unschedule': document(0),
      man: document(0),
      health: document(1),
      doctor: document(1),
    },
  },
  'full of garbage': {
    spoil: db => {
      const bytes = readFileSync(db)
      bytes.fill('garbage ', 4096, bytes.length - 4096)
      writeFileSync(db, bytes)
    },
    usual: isCorrupt,
    otherwise: { ...damaged, 'migrate check': document(7), 'db check': document(7) },
  },
  empty: { spoil: db => truncateSync(db, 0), usual: isCorrupt, otherwise: damaged },
  'cut short': {
    spoil: db => truncateSync(db, Math.floor(statSync(db).size / 2)),
    usual: isCorrupt,
    otherwise: damaged,
  },
  foreign: {
    spoil: strangersDatabase,
    usual: () => failed(78, 'database_foreign'),
    otherwise: { ...indifferent, ...occupied, health: document(1), doctor: document(1) },
  },
  newer: {
    spoil: db => alter(db, 'PRAGMA user_version = 1000'),
    usual: () => failed(78, 'schema_newer'),
    otherwise: {
      ...indifferent,
      ...occupied,
      // Looking, copying and going back are what is left to do with it.
      'migrate status': document(0),
      'migrate check': document(7),
      'migrate history': document(0),
      'db info': document(0),
      'db check': document(7),
      'db query': document(0),
      'db studio': document(0),
      'db vacuum': done,
      'db optimize': done,
      'backup create': done,
      restore: done,
      health: document(1),
      doctor: document(1),
    },
  },
}

/**
 * One that its program was killed over: what it wrote last is in the log alone, where a bit has flipped. To open it
 * would write what is in front of that into the file, and throw the rest away.
 */
function strangersDatabase(db: string): void {
  rmSync(db)
  const client = new Database(`${db}-live`)
  client.run('PRAGMA synchronous = OFF')
  client.run('PRAGMA journal_mode = WAL')
  client.run('CREATE TABLE songs (title TEXT)')
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  for (let n = 0; n < 5; n++) client.run(`INSERT INTO songs VALUES ('${n}')`)
  const log = readFileSync(`${db}-live-wal`)
  log[32 + 4120 * 2 + 500] = 7
  cpSync(`${db}-live`, db)
  writeFileSync(`${db}-wal`, log)
  client.close()
  rmSync(`${db}-live`)
}

function alter(db: string, sql: string): void {
  const client = new Database(db)
  client.run('PRAGMA synchronous = OFF')
  client.run(sql)
  client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
}

function outcomeProblems(run: Run, outcome: Outcome): readonly string[] {
  if ('done' in outcome) return resultProblems(run, 0)
  const seen =
    'error' in outcome
      ? failureProblems(run, { exit: outcome.error, codes: outcome.codes }, true)
      : resultProblems(run, outcome.document)
  return [...seen, ...changes(run)]
}

/** Root may write anywhere, so it steps down. */
const runsAsNobody = process.getuid?.() !== 0 || canStepDown()

for (const [name, { spoil, readOnly, usual, otherwise }] of Object.entries(unusable)) {
  const unusableTest = readOnly
    ? requirePresent(runsAsNobody, 'a way to run the program as somebody else')
    : test
  unusableTest(`every command on a database that is ${name} says so and changes nothing`, async () => {
    const scene: Scene = {
      // Here init is asked for the very database.
      words: (words, path) => (path === 'init' ? ['init', '--json'] : withJson(words)),
      ...(spoil ? { spoil } : {}),
      ...(readOnly ? { readOnly } : {}),
      // Half a second of work that looks at no database: twice is enough.
      only: path => printsJson(path) && (path !== 'demo' || name === 'missing' || readOnly === true),
    }
    const problems = await runEach(scene, run => {
      const { effect } = declarationOf(run.path)
      return about(run.path, outcomeProblems(run, otherwise[run.path] ?? usual(effect)))
    })
    expect(problems.flat()).toEqual([])
  })
}
