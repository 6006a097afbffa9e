/** The secret in a request, as RFC 6750 says or as Anthropic's clients send it. It has no line breaks, as no header has. */
export function secretIn(headers: Headers): string | undefined {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '') ?? []
  return bearer ?? (headers.get('x-api-key') || undefined)
}
