/**
 * Tells a monitor (healthchecks.io and what works like it) that a backup begins, was taken or failed. A monitor that
 * cannot be reached is told of and never fails the backup. The address may be a secret: only its host is ever shown.
 */

const pingTimeoutMs = 10_000

/**
 * Runs `work` between a ping to `…/start` and one to the address itself, or to `…/fail`
 * (https://healthchecks.io/docs/http_api/).
 *
 * @param warn told, in a sentence, of a ping that did not arrive
 */
export async function withPings<T>(
  address: string,
  work: () => Promise<T>,
  warn: (problem: string) => void,
  timeoutMs: number = pingTimeoutMs,
): Promise<T> {
  const ping = (event: '' | '/start' | '/fail') => send(address, event, timeoutMs, warn)
  await ping('/start')
  let result: T
  try {
    result = await work()
  } catch (error) {
    await ping('/fail')
    throw error
  }
  await ping('')
  return result
}

async function send(
  address: string,
  event: string,
  timeoutMs: number,
  warn: (problem: string) => void,
): Promise<void> {
  const url = new URL(address)
  url.pathname = url.pathname.replace(/\/+$/, '') + event
  const what = `the ping ${event === '' ? 'of success' : event === '/start' ? 'at the start' : 'of failure'}`
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    await reply.body?.cancel()
    if (!reply.ok) warn(`${what} was answered with ${reply.status} by ${url.host}`)
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    warn(`${what} did not reach ${url.host}${timedOut ? ` within ${timeoutMs / 1000} s` : ''}`)
  }
}
