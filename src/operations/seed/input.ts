/** What a database is seeded with: rows that come after those that they refer to. Only types. */

interface Made {
  /** With the prefix of its kind. */
  readonly id: string
  /** When, in UTC milliseconds. */
  readonly at: number
}

export type SeedPart =
  | (Made & {
      readonly is: 'user'
      readonly username: string
      readonly name: string
      readonly email: string
      readonly isAdmin: boolean
    })
  | (Made & { readonly is: 'org'; readonly name: string; readonly slug: string })
  | (Made & {
      readonly is: 'member'
      readonly org: string
      readonly user: string
      readonly role: 'owner' | 'admin' | 'member' | 'viewer'
    })
  | (Made & { readonly is: 'team'; readonly org: string; readonly name: string })
  | (Made & { readonly is: 'team-member'; readonly team: string; readonly user: string })
  | (Made & {
      readonly is: 'invitation'
      readonly org: string
      readonly team: string | null
      readonly email: string
      readonly role: 'member' | 'viewer'
      readonly inviter: string
      readonly status: 'pending' | 'accepted' | 'canceled'
      readonly expiresAt: number
    })
  | (Made & {
      readonly is: 'project'
      readonly name: string
      readonly slug: string
      /** A user or an organization. */
      readonly owner: string
    })
  | (Made & {
      readonly is: 'key'
      readonly name: string
      readonly user: string | null
      readonly project: string | null
    })
  | (Made & {
      readonly is: 'limit'
      /** A key, an organization or a team. */
      readonly of: string
      readonly metric: 'tokens' | 'requests'
      readonly amount: number
      readonly windowMs: number
    })
  | {
      readonly is: 'usage'
      readonly key: string
      readonly at: number
      readonly model: string
      readonly requests?: number
      readonly inputTokens: number
      readonly outputTokens: number
      readonly costUsd: number
    }
  | (Made & {
      readonly is: 'chat'
      readonly title: string
      readonly user: string
      readonly project: string | null
      readonly updatedAt: number
    })
  | (Made & {
      readonly is: 'message'
      readonly chat: string
      readonly position: number
      readonly role: 'user' | 'assistant'
      readonly content: string
    })

export interface SeedOptions {
  /** What it was made with, for the audit log. */
  readonly randomSeed: number
  /** Also into a database that has data. */
  readonly force?: boolean | undefined
}
