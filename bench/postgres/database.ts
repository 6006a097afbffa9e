/** Databases on the server of a benchmark. */
import { connectLatchkey, type Latchkey } from '../../src/index.ts'
import type { Cluster } from '../../src/testing/postgres-cluster.ts'
import { bareConnection } from './bare.ts'

/** A database of the current schema. */
export async function freshDatabase(
  server: Cluster,
  name: string,
): Promise<{ url: string; latchkey: Latchkey }> {
  const admin = await bareConnection(server.url('postgres'))
  await admin.unsafe(`CREATE DATABASE ${name}`)
  await admin.close()
  const url = server.url(name)
  const latchkey = connectLatchkey({ path: url })
  await latchkey.initialize()
  return { url, latchkey }
}
