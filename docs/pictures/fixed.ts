/** Fixes what differs from run to run: the moment, and what is random in this process. For the pictures only. */

export const now = new Date('2026-11-20T12:00:00Z')

let drawn = 0

/** Bytes that depend on nothing but the command line and how many were drawn before. */
const bytes = (): Buffer =>
  new Bun.CryptoHasher('sha256').update(`${process.argv.slice(2).join(' ')} ${drawn++}`).digest()

Object.assign(Bun, {
  randomUUIDv7: (_: 'hex', at: number) =>
    `${at.toString(16).padStart(12, '0')}7${bytes().toString('hex', 0, 2).slice(1)}8${bytes().toString('hex', 0, 8).slice(1)}`,
})
crypto.getRandomValues = array => {
  if (array instanceof Uint8Array) for (const at of array.keys()) array[at] = bytes()[0] ?? 0
  return array
}
