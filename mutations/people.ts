import type { Mutation } from './mutation.ts'

const signingIn = { tests: ['src/operations/people/sessions.test.ts'] }
const leaving = {
  tests: ['src/operations/people/offboard.test.ts', 'src/operations/file/backup/restore/erased.test.ts'],
}

const receiving = { tests: ['src/operations/people/recipient.test.ts'] }

const lists = { tests: ['src/operations/lists.test.ts'] }

/** Mistakes in who is signed in, in how people leave, and in lists of what there is. */
export const people: readonly Mutation[] = [
  {
    what: 'a session is valid for a millisecond more',
    file: 'src/operations/people/sessions.ts',
    text: 'if (expiresAt <= now.getTime())',
    instead: 'if (expiresAt < now.getTime())',
    ...signingIn,
  },
  {
    what: 'the session of a disabled user is valid',
    file: 'src/operations/people/sessions.ts',
    text: "return isDisabled(user, now) ? 'user_disabled' : 'valid'",
    instead: "return 'valid'",
    ...signingIn,
  },
  {
    what: 'a token is stored as it is',
    file: 'src/operations/people/sessions.ts',
    text: 'tokenHash: hashSecret(token),',
    instead: 'tokenHash: token,',
    ...signingIn,
  },
  {
    what: 'the last way to sign in is unlinked',
    file: 'src/operations/people/accounts.ts',
    text: 'ways === 1 && !evenLast',
    instead: 'ways === 0 && !evenLast',
    ...signingIn,
  },
  {
    what: 'an imported password is not upgraded',
    file: 'src/operations/people/check-password.ts',
    text: "if (!hash.startsWith('$argon2id$')) await upgradeHash(context, row, hash, password)\n",
    instead: '\n',
    tests: ['src/operations/people/passwords.test.ts'],
  },
  {
    what: 'a restore brings back who was erased',
    file: 'src/operations/file/backup/restore/restore.ts',
    text: '    await eraseAgain(context, client, erased)\n',
    instead: '',
    ...leaving,
  },
  {
    what: 'a restore signs people in again',
    file: 'src/operations/file/backup/restore/restore.ts',
    text: "    client.run('DELETE FROM sessions')\n",
    instead: '',
    ...leaving,
  },
  {
    what: 'a restore over a lost database brings back who was erased',
    file: 'src/operations/file/backup/restore/erase-again.ts',
    text: '...known, ...own.flatMap(({ manifest }) => manifest.erased)',
    instead: '...known',
    ...leaving,
  },
  {
    what: 'one thing of an erased person is brought back',
    file: 'src/operations/file/backup/restore/bring-back.ts',
    text: '    this.#requireNotErased(noun, id, row)\n',
    instead: '',
    ...leaving,
  },
  {
    what: 'the audit log still tells of who was erased',
    file: 'src/operations/people/erase.ts',
    text: 'texts.map(text => holdsText(column, text))',
    instead: '[]',
    ...leaving,
  },
  {
    what: 'an erased user can be given something',
    file: 'src/operations/people/recipient.ts',
    text: '  if (gone === undefined) return\n',
    instead: '  return\n',
    ...receiving,
  },
  {
    what: 'a disabled user can become the owner of something',
    file: 'src/operations/people/recipient.ts',
    text: '  if (!isDisabled(user, now)) return\n',
    instead: '  return\n',
    ...receiving,
  },
  {
    what: 'an erased user is changed',
    file: 'src/operations/people/users.ts',
    text: '    await requireNotErased(db, row)\n',
    instead: '',
    ...receiving,
  },
  {
    what: 'a project is given to a disabled user',
    file: 'src/operations/people/membership.ts',
    text: "if (user !== undefined && user.id !== row.ownerId) await requireMayOwn(db, context.now(), user, 'a project')\n",
    instead: '',
    ...receiving,
  },
  {
    what: 'a new address counts as verified when the command line says nothing of it',
    file: 'src/operations/rules/input.ts',
    text: '.filter(([, value]) => value !== undefined)',
    instead: '',
    tests: ['src/operations/people/passwords.test.ts'],
    only: 'on the command line',
  },
  {
    what: 'disabling again removes the end',
    file: 'src/operations/people/users.ts',
    text: 'until === undefined ? (was?.disabledUntil ?? null)',
    instead: 'until === undefined ? null',
    tests: ['src/operations/people/passwords.test.ts'],
    only: 'disabling again',
  },
  {
    what: 'who is disabled is offered as an owner',
    file: 'src/cli/ask/questions.ts',
    text: "question.flag === undefined || fixed !== 'user' ? undefined : 'active'",
    instead: 'undefined',
    tests: ['src/cli/ask/questions.test.ts'],
    only: 'who gets something',
  },
  {
    what: 'memberships end with whoever leaves',
    file: 'src/operations/people/offboard.ts',
    text: '      await passMemberships(db, user.id, heir.id)\n',
    instead: '',
    ...leaving,
  },
  {
    what: 'invitations go with whoever made them',
    file: 'src/operations/people/held.ts',
    text: "held.as === 'made'",
    instead: "held.as === 'membership'",
    ...leaving,
  },
  {
    what: 'whoever was offboarded comes back with the next import',
    file: 'src/operations/people/offboard.ts',
    text: "['limits', 'accounts', 'imported_users', 'imported_rows']",
    instead: "['limits', 'accounts', 'imported_users']",
    tests: ['src/operations/import/better-auth.test.ts'],
    only: 'offboarded here',
  },
  {
    what: 'an export of a person lacks what was done for them as a user',
    file: 'src/operations/people/export.ts',
    text: 'const names = [username, id]',
    instead: 'const names = [username]',
    ...leaving,
  },
  {
    what: 'an export of a person lacks the usage',
    file: 'src/operations/people/export.ts',
    text: '.where(and(eq(series.userId, userId), counting))',
    instead: '.where(eq(series.keyId, userId))',
    ...leaving,
  },
  {
    what: 'the projects that a user shares are sorted before a page of them is cut',
    file: 'src/operations/organizations/access.ts',
    text: '.orderBy(asc(projectMembers.projectId))',
    instead: '.orderBy(asc(projects.slug))',
    ...lists,
  },
  {
    what: 'what is granted takes statements for each line',
    file: 'src/operations/organizations/access.ts',
    text: '...memberships.flatMap(({ org, role }) => merged(asMember(rolesIn(role, org.id), { org }))),',
    instead:
      '...(await Promise.all(memberships.map(async ({ org, role }) => merged(asMember(await rolesHeld(db, role, org.id), { org }))))).flat(),',
    ...lists,
  },
  {
    what: 'every page is the first',
    file: 'src/operations/page.ts',
    text: 'last === undefined ? undefined : (descending ? lt : gt)(by, last)',
    instead: 'undefined',
    ...lists,
  },
  {
    what: 'a status that nobody has selects the users who are active',
    file: 'src/operations/people/users.ts',
    text: 'rules.parsePage(userFilter, given)',
    instead: 'given',
    tests: ['src/operations/options.test.ts'],
    only: 'users.list',
  },
]
