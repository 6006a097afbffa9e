/** Counts transactions. For tests only. */
import { existsSync, readFileSync } from 'node:fs'

const headerBytes = 32
const frameHeaderBytes = 24

/**
 * How many commits are in the write-ahead log of a database: frames that say how large it is afterwards, and have the salts of
 * the header (https://sqlite.org/fileformat2.html#walformat).
 */
export function commitsInLog(path: string): number {
  const wal = `${path}-wal`
  if (!existsSync(wal)) return 0
  const log = readFileSync(wal)
  if (log.length < headerBytes) return 0
  const pageSize = log.readUInt32BE(8)
  const salts = log.subarray(16, 24)
  let commits = 0
  for (let at = headerBytes; at < log.length; at += frameHeaderBytes + pageSize) {
    if (!log.subarray(at + 8, at + 16).equals(salts)) break
    if (log.readUInt32BE(at + 4) !== 0) commits++
  }
  return commits
}
