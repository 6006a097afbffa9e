/** What every command leaves in the audit trail. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { isNoun } from '../contract/nouns.ts'
import { commands, everyCommand, writes } from '../testing/every-command.ts'

const { prepared, runEach } = everyCommand()

/** What each command that writes leaves in the audit trail, when that is not called as the command is. */
const audited: Record<string, readonly string[]> = {
  'account unlink': ['user.account-unlink'],
  'audit prune': ['audit.prune'],
  'chat prune': ['chat.delete'],
  seed: ['database.seed'],
  'project file put': ['project.file-put'],
  'project file mv': ['project.file-move'],
  'project file rm': ['project.file-remove'],
  'project file sync': ['project.file-sync'],
  'project state set': ['project.state-set'],
  'project state reset': ['project.state-reset'],
  'project state phase add': ['project.state-phase'],
  'project state phase complete': ['project.state-phase'],
  'project state file add': ['project.state-file'],
  'project state message add': ['project.state-message'],
  // The action is older than the verb, and rows of it are in audit logs.
  'key limit set': ['key.limit-add'],
  'user limit set': ['user.limit-add'],
  'project limit set': ['project.limit-add'],
  'org limit set': ['org.limit-add'],
  'team limit set': ['team.limit-add'],
  'import better-auth': ['import.better-auth', 'user.import'],
  'import ccluster': ['import.ccluster', 'user.import'],
  'import dokify': ['import.dokify', 'user.import'],
  'import glm-proxy': ['import.glm-proxy', 'key.import'],
  'import undo': ['import.undo', 'key.undo-import'],
  init: ['database.init'],
  'invitation accept': ['org.invitation-accept'],
  'invitation cancel': ['org.invitation-cancel'],
  'invitation create': ['org.invite'],
  'key import': ['import.keys', 'key.import'],
  'migrate down': ['database.migrate'],
  restore: ['database.restore'],
  'session revoke': ['user.session-revoke'],
  'usage price remove': ['price.remove'],
  'usage price set': ['price.set'],
  'usage price import': ['price.import'],
}

/** Why others leave nothing there. */
const unaudited: Record<string, string> = {
  'backup create': 'changes no row; the manifest tells who made it',
  'backup prune': 'removes files beside the database',
  'backup schedule': 'changes what the system runs',
  'backup unschedule': 'changes what the system runs',
  'backup verify': 'writes into the manifest',
  'completion install': 'writes a file',
  'config set': 'writes a file',
  'config unset': 'writes a file',
  'db optimize': 'finds nothing that has expired: see people/expired.test.ts',
  'db copy': 'changes no row',
  'db vacuum': 'changes no row',
  man: 'writes files',
  'migrate up': 'is there already: see file/migrations.test.ts',
  serve: 'records usage, as gateways do',
  'user check-password': 'finds argon2id: see people/passwords.test.ts',
  'usage check': 'finds nothing to repair: see usage/reconcile.test.ts',
  'usage compact': 'finds nothing to fold: see usage/compact.test.ts',
  'usage ingest': 'records usage, as gateways do',
  'usage record': 'records usage, as gateways do',
}

test('every command that writes leaves its rows in the audit trail', async () => {
  const known = new Set(auditRows(prepared.file('data', 'latchkey.db')).map(({ id }) => id))
  const found = await runEach({ only: writes }, ({ path, folder, ran }) => {
    const rows = auditRows(join(folder, path === 'init' ? 'fresh.db' : 'latchkey.db'))
    return [
      path,
      ran.code === 0
        ? [...new Set(rows.filter(({ id }) => !known.has(id)).map(({ action }) => action))].sort()
        : `exits ${ran.code}: ${ran.err}`,
    ]
  })
  const expected = [
    ...commands
      .filter(({ path }) => isNoun(path.split(' ')[0] ?? '') && writes(path))
      .map(({ path }) => [path, [path.replace(' ', '.').replaceAll(' ', '-')]]),
    ...Object.entries(audited),
    ...Object.keys(unaudited).map(path => [path, []]),
  ]
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
})

function auditRows(db: string): readonly { readonly id: string; readonly action: string }[] {
  const client = new Database(db)
  try {
    return client.query('SELECT id, action FROM audit').all() as { id: string; action: string }[]
  } finally {
    client.close()
  }
}
