/**
 * Encrypts what must be read again, such as the tokens of outside accounts and the codes that were sent by mail: AES-256-GCM, with a key that is derived from the secret
 * of Better Auth. Neither the database nor a backup of it shows such a text.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { LatchkeyError } from '../../contract/errors.ts'

const mark = 'sealed:'
const nonceLength = 12
const tagLength = 16

export const isSealed = (text: string): boolean => text.startsWith(mark)

export class Seal {
  /** The first one closes, and each opens. */
  readonly #keys: readonly Uint8Array[]

  /** @param secrets the current one first, then those that were in use before */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map(
      secret => new Uint8Array(hkdfSync('sha256', secret, '', 'latchkey.oauth-tokens', 32)),
    )
  }

  get isPossible(): boolean {
    return this.#keys.length > 0
  }

  /** @throws config (there is no secret) */
  close(text: string): string {
    const [key] = this.#keys
    if (key === undefined) {
      throw new LatchkeyError(
        'config',
        'tokens of outside accounts are stored encrypted, and Better Auth has no secret to do it with',
        'set BETTER_AUTH_SECRET, or secret in the options of betterAuth',
      )
    }
    const nonce = randomBytes(nonceLength)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
    return mark + Buffer.concat(sealed).toString('base64url')
  }

  /** As it was; null if none of the secrets opens it. A text that was never closed comes back as it is. */
  open(text: string): string | null {
    if (!isSealed(text)) return text
    const sealed = Buffer.from(text.slice(mark.length), 'base64url')
    for (const key of this.#keys) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceLength))
      decipher.setAuthTag(sealed.subarray(-tagLength))
      try {
        const opened = decipher.update(sealed.subarray(nonceLength, -tagLength))
        return Buffer.concat([opened, decipher.final()]).toString('utf8')
      } catch {
        // Another secret closed it.
      }
    }
    return null
  }
}
