// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { lowerAscii, sql } from '../../db/query.ts'
import { organizationMembers } from '../../db/schema/members.ts'
import { storeAt, temporaryLatchkey } from '../../testing/latchkey.ts'
import { hasRole, namesIn } from './role-names.ts'

const texts = [
  'owner',
  'Owner',
  'OWNER,admin',
  'admin,owner',
  'admin , owner ',
  'admin,  Owner  ,viewer',
  'owners',
  'co-owner',
  'ow ner',
  'own_r',
  'owne%',
  'own.r,',
  ',',
  ' ',
  'qa_1',
  'qa-1, x',
  'QA_1',
  'sales lead',
  ' Sales Lead ,owner',
  'sales,lead',
  'a"b, owner',
  'a\\,b',
  '["owner"]',
  'Ärzte',
  'ärzte',
  '\u212a',
  '\towner',
]

const names = [
  'owner',
  'Owner',
  'qa_1',
  'qa-1',
  'own_r',
  'owne%',
  'sales lead',
  'a"b',
  'a\\',
  'Ärzte',
  'k',
  'ner',
]

test('a query finds the same roles in a membership as the rules do', async () => {
  await using at = await temporaryLatchkey()
  const { users, organizations } = at.latchkey
  await users.create({ username: 'alice' })
  await organizations.create({ name: 'Acme', owner: 'alice' })
  const store = await storeAt(at.path)
  const wrong: unknown[] = []
  for (const text of texts) {
    await store.write(async db => {
      await db.update(organizationMembers).set({ role: text })
      for (const name of names) {
        const found = await db.$count(organizationMembers, hasRole(sql`${organizationMembers.role}`, name))
        if ((found === 1) !== namesIn(text).includes(lowerAscii(name))) wrong.push({ text, name, found })
      }
    })
  }
  await store.close()
  expect(wrong).toEqual([])
  expect(texts.filter(text => namesIn(text).includes('owner'))).toHaveLength(8)
})
