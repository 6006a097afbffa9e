/**
 * A small S3 server over HTTP that stores objects as files: put, get, head, delete, multipart, list (version 2, with
 * short pages). Requests must be signed with the right key. Fails on demand. For tests only.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { temporaryFolder } from './folder.ts'

export interface S3Request {
  readonly method: string
  /** Empty for lists. */
  readonly key: string
}

export interface TestS3 extends Disposable {
  /** The environment that a program needs to reach it. */
  readonly env: Readonly<Record<string, string>>
  readonly bucket: string
  /** The keys of all objects, sorted. */
  readonly keys: () => readonly string[]
  /** The file that holds an object. */
  readonly file: (key: string) => string
  /** All requests so far. */
  readonly requests: S3Request[]
  /** Called before each request. Its result replaces the answer. */
  fault: (request: S3Request, body: Uint8Array) => Fault
}

/** An HTTP error with an S3 code, another answer, a body to store instead, or nothing. */
export type Fault =
  | { readonly status: number; readonly code: string }
  | { readonly answer: Response | Promise<Response> }
  | { readonly store: Uint8Array }
  | undefined

const keyId = 'AKIATEST'
const perPage = 3

export function testS3(bucket = 'backups'): TestS3 {
  const folder = temporaryFolder()
  mkdirSync(folder.file(bucket))
  const uploads = new Map<string, Map<number, Uint8Array>>()
  const fileOf = (key: string) => folder.file(bucket, encodeURIComponent(key))
  const keys = () => readdirSync(folder.file(bucket)).map(decodeURIComponent).sort()

  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    fetch: async request => {
      const url = new URL(request.url)
      const [, name = '', ...rest] = url.pathname.split('/').map(decodeURIComponent)
      const key = rest.join('/')
      const query = url.searchParams
      const body = new Uint8Array(await request.arrayBuffer())
      const seen = { method: request.method, key }
      self.requests.push(seen)
      const authorization = request.headers.get('authorization') ?? ''
      if (
        !/^AWS4-HMAC-SHA256 Credential=[^,]+, ?SignedHeaders=[^,]+, ?Signature=[0-9a-f]{64}$/.test(
          authorization,
        )
      ) {
        return failure(403, 'AccessDenied')
      }
      if (!authorization.includes(`Credential=${keyId}/`)) return failure(403, 'InvalidAccessKeyId')
      if (!existsSync(folder.file(name))) return failure(404, 'NoSuchBucket')
      const fault = self.fault(seen, body)
      if (fault && 'code' in fault) return failure(fault.status, fault.code)
      if (fault && 'answer' in fault) return fault.answer
      const content = fault?.store ?? body

      const upload = query.get('uploadId')
      if (request.method === 'POST' && query.has('uploads')) {
        const id = crypto.randomUUID()
        uploads.set(id, new Map())
        return xml(
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        )
      }
      if (upload !== null) {
        const parts = uploads.get(upload)
        if (parts === undefined) return failure(404, 'NoSuchUpload')
        if (request.method === 'PUT') {
          parts.set(Number(query.get('partNumber')), content)
          return new Response(null, { headers: { etag: `"${upload}-${query.get('partNumber')}"` } })
        }
        uploads.delete(upload)
        if (request.method === 'DELETE') return new Response(null, { status: 204 })
        const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part)
        writeFileSync(fileOf(key), Buffer.concat(inOrder))
        return xml('<CompleteMultipartUploadResult><ETag>"done"</ETag></CompleteMultipartUploadResult>')
      }
      if (request.method === 'GET' && query.get('list-type') === '2') return listing(keys(), query)
      const file = fileOf(key)
      if (request.method === 'PUT') {
        writeFileSync(file, content)
        return new Response(null, { headers: { etag: '"done"' } })
      }
      if (request.method === 'DELETE') {
        rmSync(file, { force: true })
        return new Response(null, { status: 204 })
      }
      if (!existsSync(file)) return failure(404, 'NoSuchKey')
      if (request.method !== 'HEAD') return new Response(readFileSync(file))
      const { size, mtime } = statSync(file)
      return new Response(null, {
        headers: { 'content-length': String(size), 'last-modified': mtime.toUTCString(), etag: '"done"' },
      })
    },
  })

  const self: TestS3 = {
    env: {
      AWS_ACCESS_KEY_ID: keyId,
      AWS_SECRET_ACCESS_KEY: 'a-secret-of-tests',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${server.port}`,
      AWS_REGION: 'us-east-1',
    },
    bucket,
    keys,
    file: fileOf,
    requests: [],
    fault: () => undefined,
    [Symbol.dispose]: () => {
      server.stop(true)
      folder.remove()
    },
  }
  return self
}

/** A page of the keys below a prefix, without those below a delimiter. */
function listing(all: readonly string[], query: URLSearchParams): Response {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const after = query.get('continuation-token') ?? ''
  const wanted = all.filter(
    key =>
      key.startsWith(prefix) &&
      key > after &&
      (delimiter === '' || !key.slice(prefix.length).includes(delimiter)),
  )
  const page = wanted.slice(0, perPage)
  const more = wanted.length > page.length
  const objects = page.map(
    key =>
      `<Contents><Key>${Bun.escapeHTML(key)}</Key><Size>1</Size><ETag>"x"</ETag><LastModified>2026-11-20T00:00:00.000Z</LastModified></Contents>`,
  )
  return xml(
    `<ListBucketResult><IsTruncated>${more}</IsTruncated><KeyCount>${page.length}</KeyCount>${
      more ? `<NextContinuationToken>${Bun.escapeHTML(page.at(-1) ?? '')}</NextContinuationToken>` : ''
    }${objects.join('')}</ListBucketResult>`,
  )
}

export const xml = (body: string, status = 200): Response =>
  new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { 'content-type': 'application/xml' },
  })

const failure = (status: number, code: string): Response =>
  xml(`<Error><Code>${code}</Code><Message>said by the test</Message></Error>`, status)
