/**
 * Backups in an S3-compatible bucket. Every upload is read back and compared, because a reply of 200 proves nothing.
 * Credentials come from the usual AWS variables.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../../../contract/errors.ts'
import { codeOf } from '../../../../contract/failure.ts'
import { systemFailure } from '../../../../system/errors.ts'
import type { Environment } from '../../../../system/home.ts'
import { digest } from '../pack.ts'
import { type Location, requireLimit } from './place.ts'

/**
 * A prefix in a bucket, from `s3://bucket/prefix`. Endpoint, region and credentials come from the AWS variables:
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
 *
 * @throws config (another kind of address, or no credentials)
 */
export function bucket(address: string, env: Environment): Location {
  const [, name = '', path = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? []
  if (name === '') {
    throw new LatchkeyError(
      'config',
      `${address} is not a place for backups`,
      'give a folder, or a bucket such as s3://bucket/prefix',
    )
  }
  const folder = path.replace(/\/+$/, '')
  const prefix = folder === '' ? '' : `${folder}/`
  const home = `s3://${name}${folder === '' ? '' : `/${folder}`}`
  const client = connect(name, env)
  const silenceMs = silenceOf(env)
  const guard = <T>(work: () => Promise<T>, bytes = 0) =>
    insist(home, () => inTime(home, silenceMs + travelMs(bytes), work()))
  const read = (file: string, limit: number) =>
    readObject(client.file(prefix + file), `${home}/${file}`, limit, silenceMs)
  return {
    address: home,
    kind: 's3',
    pathOf: file => `${home}/${file}`,
    list: async () => {
      const names: string[] = []
      const tokens = new Set<string>()
      for (let token: string | undefined; ; ) {
        const after = token === undefined ? {} : { continuationToken: token }
        const page = await guard(() => client.list({ prefix, delimiter: '/', ...after }))
        names.push(...(page.contents ?? []).map(({ key }) => key.slice(prefix.length)))
        if (!page.isTruncated) return names.filter(each => each !== '')
        token = page.nextContinuationToken
        // Otherwise the newest backup may be missing, and prune would decide on an incomplete list.
        if (!token || tokens.has(token) || tokens.size === mostPages) throw endless(home)
        tokens.add(token)
      }
    },
    size: file =>
      guard(async () => {
        try {
          return (await client.stat(prefix + file)).size
        } catch (error) {
          if (codeOf(error) === 'NoSuchKey') return undefined
          throw error
        }
      }),
    read,
    add: async (file, source, sha256, count) => {
      const key = prefix + file
      const content = Bun.file(source)
      const { size } = content
      await guard(async () => {
        await client.write(key, content, { partSize, queueSize: partsAtOnce, retry: tries })
      }, size)
      try {
        if ((await digest(read(file, size), count)).sha256 === sha256) return
        throw new LatchkeyError(
          'checksum',
          `what arrived at ${home}/${file} differs from what was sent, and was removed`,
          'run the command again; if it fails again, check the storage',
        )
      } catch (error) {
        await client.delete(key).catch(() => undefined)
        throw error
      }
    },
    replace: async (file, text) => {
      const content = Buffer.from(text)
      for (let attempt = 1; ; attempt++) {
        await guard(() => client.write(prefix + file, content))
        if (await holds(read(file, content.byteLength), content)) return
        if (attempt < tries) continue
        throw new LatchkeyError(
          'checksum',
          `what arrived at ${home}/${file} differs from what was sent`,
          'run the command again; if it fails again, check the storage',
        )
      }
    },
    remove: file =>
      guard(async () => {
        try {
          await client.delete(prefix + file)
        } catch (error) {
          if (codeOf(error) !== 'NoSuchKey') throw error
        }
      }),
  }
}

/** Parts are in memory during the upload: at most this many, of this many bytes. */
const partSize = 8 * 1_048_576
const partsAtOnce = 4
const tries = 3

/** A page has up to 1,000 names, so this is a million files, more than any backup folder has. */
const mostPages = 1_000

const endless = (address: string): LatchkeyError =>
  new LatchkeyError(
    'config',
    `the list of ${address} does not end: the service says that there is more, but not where`,
    'give backups their own prefix; if that does not help, check the service at AWS_ENDPOINT_URL',
  )

/** How long a bucket may be silent, in milliseconds. @throws config */
function silenceOf(env: Environment): number {
  const given = env['LATCHKEY_S3_TIMEOUT'] || '60'
  if (/^\d+(\.\d+)?$/.test(given) && Number(given) > 0) return Number(given) * 1_000
  throw new LatchkeyError(
    'config',
    `LATCHKEY_S3_TIMEOUT is '${given}', which is not a number of seconds`,
    'set the seconds to wait for the bucket, for example: LATCHKEY_S3_TIMEOUT=60',
  )
}

/** Milliseconds for a transfer at 1 Mbit/s; anything slower counts as stalled. */
const travelMs = (bytes: number): number => bytes / 128

/** @throws busy */
async function inTime<T>(path: string, ms: number, work: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(silent(path)), ms)
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

const silent = (path: string): LatchkeyError =>
  new LatchkeyError(
    'busy',
    `${path} did not answer in time`,
    'run the command again in a moment; if the network is slow, wait longer: LATCHKEY_S3_TIMEOUT=300',
  )

async function holds(chunks: AsyncIterable<Uint8Array>, content: Uint8Array): Promise<boolean> {
  try {
    return Buffer.concat(await Array.fromAsync(chunks)).equals(content)
  } catch (error) {
    if (error instanceof LatchkeyError && error.code === 'checksum') return false
    throw error
  }
}

function connect(name: string, env: Environment): Bun.S3Client {
  const accessKeyId = env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY']
  if (!accessKeyId || !secretAccessKey) {
    throw new LatchkeyError(
      'config',
      `there are no credentials for the bucket ${name}`,
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL for a service other than AWS',
    )
  }
  const sessionToken = env['AWS_SESSION_TOKEN']
  const endpoint = env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL']
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1'
  return new Bun.S3Client({
    bucket: name,
    accessKeyId,
    secretAccessKey,
    region,
    ...(sessionToken ? { sessionToken } : {}),
    // Without an endpoint, the client would use the variables of this process.
    endpoint: endpoint || `https://s3.${region}.amazonaws.com`,
  })
}

/** Stops fetching if there is more than the limit, or if it takes too long. */
async function* readObject(
  object: Bun.S3File,
  path: string,
  limit: number,
  silenceMs: number,
): AsyncGenerator<Uint8Array> {
  const reader = object.stream().getReader()
  let bytes = 0
  // Only the time spent waiting counts, not the consumer's.
  let leftMs = silenceMs + travelMs(limit)
  try {
    for (;;) {
      const asked = performance.now()
      const { done, value } = await inTime(path, Math.min(silenceMs, leftMs), reader.read())
      leftMs -= performance.now() - asked
      if (done) return
      bytes += value.byteLength
      requireLimit(path, bytes, limit)
      yield value
    }
  } catch (error) {
    throw explain(error, path)
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** Retries passing errors, with a longer pause each time. */
async function insist<T>(address: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === tries || !isPassing(error)) throw explain(error, address)
      await sleep(100 * 4 ** (attempt - 1))
    }
  }
}

/** A HEAD has no body that could say more than UnknownError. */
const isPassing = (error: unknown): boolean =>
  /^(InternalError|ServiceUnavailable|SlowDown|RequestTimeout|UnknownError|Connection\w*|Timeout|ECONN\w+|FailedToOpenSocket)$/.test(
    codeOf(error),
  )

function explain(error: unknown, path: string): unknown {
  if (error instanceof LatchkeyError) return error
  const code = codeOf(error)
  const options = { cause: error }
  const again = 'list backups with: latchkey backup list, or name another place with --from'
  if (code === 'NoSuchBucket')
    return new LatchkeyError('not_found', `there is no bucket for ${path}`, again, options)
  if (code === 'NoSuchKey') return new LatchkeyError('not_found', `there is no ${path}`, again, options)
  if (/^(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken)$/.test(code)) {
    return new LatchkeyError(
      'permission',
      `${path} was refused (${code})`,
      'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and the permissions of this key',
      options,
    )
  }
  if (isS3(error) || isPassing(error)) {
    return new LatchkeyError(
      'busy',
      `${path} gave an unexpected answer (${code || 'no code'})`,
      'run the command again in a moment; check AWS_ENDPOINT_URL and the network',
      options,
    )
  }
  return systemFailure(error, path)
}

const isS3 = (error: unknown): boolean => error instanceof Error && error.name === 'S3Error'
