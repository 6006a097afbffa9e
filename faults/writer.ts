/** A process that commits as fast as it can while everything else runs. It gets no error and loses no commit. */
import {
  acknowledged,
  badBackups,
  type Fault,
  furnished,
  type House,
  litter,
  lostCommits,
  problems,
  startPeer,
  Tally,
} from './harness.ts'

const works = {
  create: ['backup', 'create'],
  'create --compress none': ['backup', 'create', '--compress', 'none'],
  verify: ['backup', 'verify', '--all'],
  'restore --in-place': ['restore', '--latest', '--in-place', '--yes'],
  'restore --undo': ['restore', '--undo', '--in-place', '--yes'],
  'restore --key': ['restore', '--latest', '--key', 'ci', '--yes'],
  prune: ['backup', 'prune', '--keep-last', '3', '--yes'],
  refused: ['restore', '--latest', '--yes'],
  check: ['migrate', 'check'],
} as const

export const writer: readonly Fault[] = [{ name: 'a writer that never pauses', run: underWriter }]

async function underWriter(count: number) {
  using house = await furnished()
  await using peer = await startPeer(house)
  const losses: string[] = []
  const codes = new Tally()
  for (let round = 0; round < Math.ceil(count / 10); round++) {
    for (const [name, args] of Object.entries(works)) {
      const { code, err } = await house.run(...args)
      codes.add(code)
      if (code !== (name === 'refused' ? 75 : 0)) losses.push(`${name}: exit code ${code}: ${err}`)
    }
    losses.push(...(await badBackups(house)))
  }
  const { commits, seconds, worstMs, errors } = await peer.stop()
  if (errors > 0) losses.push(`the writer met ${errors} errors`)
  losses.push(...(await afterwards(house, peer.ledger)))
  const rate = Math.round(commits / seconds)
  return {
    figures: `${commits} commits at ${rate}/s, the slowest ${worstMs} ms, during runs that ended with ${codes}`,
    losses,
  }
}

async function afterwards(house: House, ledger: string): Promise<readonly string[]> {
  const lost = await lostCommits(house, ledger)
  return [
    ...(acknowledged(ledger).length === 0 ? ['the writer never wrote'] : []),
    ...lost.map(row => `the commit ${row} is nowhere`),
    ...problems(house.path),
    ...litter(house),
  ]
}
