/** A clock that jumps between any two steps. Nothing is overwritten, forgotten, or undone to the wrong state. */
import { badBackups, type Fault, furnished, furniture, litter, problems } from './harness.ts'

export const clock: readonly Fault[] = [{ name: 'clock jumps', run: jumping }]

const day = 86_400_000

async function jumping(count: number) {
  const losses: string[] = []
  let steps = 0
  for (let round = 0; round < Math.max(1, Math.round(count / 10)); round++) {
    using house = await furnished(20)
    let now = Date.now()
    const latchkey = house.latchkey(() => new Date(now))
    const jump = () => {
      steps++
      now += Math.round((Math.random() - 0.5) * 800) * day
    }
    const lose = (what: string) => losses.push(`round ${round}: ${what}`)
    let recorded = furniture.requests
    for (let step = 0; step < 8; step++) {
      jump()
      const users = (await latchkey.users.list()).length
      const backup = await latchkey.backups.create()
      await latchkey.usage.record('ci', { inputTokens: 1 })
      recorded++
      jump()
      await latchkey.users.create({ username: `u${step}` })
      jump()
      const { safetyBackup } = await latchkey.backups.restore({ backup: backup.id, inPlace: true })
      if ((await latchkey.users.list()).length !== users) lose('another backup than the named one came back')
      jump()
      const undone = await latchkey.backups.restore({ undo: true, inPlace: true })
      if (undone.backup.id !== safetyBackup?.id)
        lose('the undo went to another place than before the restore')
      if ((await latchkey.users.list()).length !== users + 1)
        lose('the undo did not bring the last user back')
      const { totals } = await latchkey.keys.stats('ci')
      if (totals.requests !== recorded) lose(`${totals.requests} requests in place of ${recorded}`)
      jump()
      const rotated = await latchkey.keys.rotate('ci')
      const verdict = await latchkey.keys.verify(rotated.secret ?? '')
      if (verdict.code !== 'valid' && verdict.code !== 'limit_exceeded')
        lose(`a new secret is ${verdict.code}`)
    }
    jump()
    await latchkey.backups.prune({ keep: { last: 1 } })
    if ((await latchkey.backups.list()).length === 0) lose('prune removed every backup')
    const history = await latchkey.migrations.history()
    if (history.length === 0) lose('the history of the schema is gone')
    await latchkey.close()
    for (const what of [...problems(house.path), ...(await badBackups(house)), ...litter(house)]) lose(what)
  }
  return { figures: `${steps} jumps of up to 400 days`, losses }
}
