/** A stored time, as views have it. */
export const dateOrNull = (at: number | null | undefined): Date | null => (at == null ? null : new Date(at))
