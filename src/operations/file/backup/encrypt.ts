/**
 * Encrypts to age recipients (https://age-encryption.org/v1). Files open with the `age` tool too. Writing never needs an
 * identity, and no error contains one.
 */
import { readFileSync } from 'node:fs'
import { LatchkeyError } from '../../../contract/errors.ts'
import { codeOf } from '../../../contract/failure.ts'
import { whyUnreadable } from '../../../system/errors.ts'
import { damaged } from './damaged.ts'

type Chunks = AsyncIterable<Uint8Array>

/**
 * Reads and checks all recipients.
 *
 * @param file one recipient a line; empty lines and lines that begin with `#` are skipped, as `age -R` does
 * @throws config (unreadable file), invalid (not an age recipient)
 */
export async function readRecipients(
  named: readonly string[],
  file: string | undefined,
): Promise<readonly string[]> {
  const recipients = [...named, ...(file === undefined ? [] : linesOf(file, 'recipients'))]
  if (file !== undefined && recipients.length === 0) throw empty(file, 'recipients', 'age1…')
  if (recipients.length === 0) return []
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const recipient of recipients) {
    // Never repeat a pasted private key.
    if (/^AGE-SECRET-KEY/i.test(recipient)) throw notRecipient('an age identity (a private key)')
    try {
      encrypter.addRecipient(recipient)
    } catch {
      throw notRecipient(`'${recipient.slice(0, 80)}'`)
    }
  }
  return recipients
}

export async function* encrypt(chunks: Chunks, recipients: readonly string[]): AsyncGenerator<Uint8Array> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  yield* await encrypter.encrypt(streamOf(chunks))
}

/**
 * @param name of the backup, for errors
 * @throws config (no identity, or none that opens it), checksum (the bytes changed)
 */
export async function* decrypt(
  chunks: Chunks,
  identityFile: string | undefined,
  name: string,
): AsyncGenerator<Uint8Array> {
  if (identityFile === undefined) {
    throw new LatchkeyError(
      'config',
      `the backup ${name} is encrypted, but no identity was given`,
      'give its age identity file with --identity, or in LATCHKEY_AGE_IDENTITY_FILE',
    )
  }
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  const identities = linesOf(identityFile, 'identities')
  if (identities.length === 0) throw empty(identityFile, 'identities', 'AGE-SECRET-KEY-1…')
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity)
    } catch {
      throw new LatchkeyError(
        'config',
        `${identityFile} is not a file of age identities`,
        'give the file that age-keygen wrote; if it has a passphrase, decrypt it first with: age -d',
      )
    }
  }
  try {
    yield* await decrypter.decrypt(streamOf(chunks))
  } catch (error) {
    // Errors of the source pass through here too.
    if (error instanceof LatchkeyError || codeOf(error) !== '') throw error
    if (error instanceof Error && /no identity matched/.test(error.message)) {
      throw new LatchkeyError(
        'config',
        `no identity in ${identityFile} opens the backup ${name}`,
        'give the identity file of one of its recipients with --identity',
      )
    }
    throw damaged(name, 'it cannot be decrypted')
  }
}

/** Reads only as much as is asked for. */
function streamOf(chunks: Chunks): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    pull: async controller => {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: async () => {
      await iterator.return?.()
    },
  })
}

function linesOf(file: string, what: string): readonly string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new LatchkeyError(
      'config',
      `cannot read the age ${what} file ${file} (${whyUnreadable(error)})`,
      'give a file that you can read',
    )
  }
  return text
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

const notRecipient = (what: string): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${what} is not an age recipient`,
    'give a public key that begins with age1; age-keygen -y prints it',
  )

const empty = (file: string, what: string, example: string): LatchkeyError =>
  new LatchkeyError('config', `${file} has no age ${what}`, `write one a line: ${example}`)
