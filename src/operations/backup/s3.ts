/**
 * Backups in a bucket of S3 or of what speaks like it. What was uploaded is read back and compared before it counts:
 * a reply of 200 is no proof. Credentials come from the usual variables of AWS, and appear nowhere else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../contract/failure.ts'
import { translate } from '../../db/errors.ts'
import type { Environment } from '../../home.ts'
import type { Location } from './location.ts'
import { digest } from './pack.ts'

/**
 * A prefix in a bucket, from `s3://bucket/prefix`. Endpoint, region and credentials are those of the AWS tools:
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html).
 *
 * @throws config for another kind of address, and without credentials
 */
export function bucket(address: string, env: Environment): Location {
  const [, name = '', path = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? []
  if (name === '') {
    throw new LatchkeyError(
      'config',
      `${address} is no place for backups`,
      'name a folder, or a bucket as in s3://bucket/prefix',
    )
  }
  const folder = path.replace(/\/+$/, '')
  const prefix = folder === '' ? '' : `${folder}/`
  const home = `s3://${name}${folder === '' ? '' : `/${folder}`}`
  const client = connect(name, env)
  const guard = <T>(work: () => Promise<T>) => insist(home, work)
  const read = (file: string) => readObject(client, prefix + file, `${home}/${file}`)
  return {
    address: home,
    kind: 's3',
    pathOf: file => `${home}/${file}`,
    list: async () => {
      const names: string[] = []
      let continuationToken: string | undefined
      do {
        const page = await guard(() =>
          client.list({ prefix, delimiter: '/', ...(continuationToken ? { continuationToken } : {}) }),
        )
        names.push(...(page.contents ?? []).map(({ key }) => key.slice(prefix.length)))
        continuationToken = page.isTruncated ? page.nextContinuationToken : undefined
      } while (continuationToken !== undefined)
      return names.filter(each => each !== '')
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
      await guard(async () => {
        await client.write(key, Bun.file(source), { partSize, queueSize: partsAtOnce, retry: tries })
      })
      try {
        if ((await digest(read(file), count)).sha256 === sha256) return
        throw new LatchkeyError(
          'checksum',
          `what arrived at ${home}/${file} is not what was sent, and was removed again`,
          'run the command again; if it goes on, look into the storage',
        )
      } catch (error) {
        await client.delete(key).catch(() => undefined)
        throw error
      }
    },
    replace: async (file, text) => {
      await guard(() => client.write(prefix + file, text))
      let arrived = ''
      for await (const chunk of read(file)) arrived += Buffer.from(chunk).toString('utf8')
      if (arrived === text) return
      throw new LatchkeyError(
        'checksum',
        `what arrived at ${home}/${file} is not what was sent`,
        'run the command again; if it goes on, look into the storage',
      )
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

/** Parts are held in memory while they travel: at most this many times this many bytes. */
const partSize = 8 * 1_048_576
const partsAtOnce = 4
const tries = 3

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
    // Without one, the client would fall back to the variables of this process.
    endpoint: endpoint || `https://s3.${region}.amazonaws.com`,
  })
}

async function* readObject(client: Bun.S3Client, key: string, path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* client.file(key).stream()
  } catch (error) {
    throw explain(error, path)
  }
}

/** What passes by itself is tried again, each time after a longer pause. */
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
  const again = 'see what there is with: latchkey backup list, or name the place with --from'
  if (code === 'NoSuchBucket')
    return new LatchkeyError('not_found', `there is no bucket for ${path}`, again, options)
  if (code === 'NoSuchKey') return new LatchkeyError('not_found', `there is no ${path}`, again, options)
  if (/^(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken)$/.test(code)) {
    return new LatchkeyError(
      'permission',
      `${path} was refused (${code})`,
      'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, and what this key may do',
      options,
    )
  }
  if (isS3(error) || isPassing(error)) {
    return new LatchkeyError(
      'busy',
      `${path} did not answer as it should (${code || 'no code'})`,
      'run the command again in a moment; check AWS_ENDPOINT_URL and the network',
      options,
    )
  }
  return translate(error, path)
}

const isS3 = (error: unknown): boolean => error instanceof Error && error.name === 'S3Error'
