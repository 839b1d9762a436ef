export function sourcesOf(root: string): string | null
export function markBuilt(root: string, sources: string | null): void
export function isBuilt(root: string, sources: string | null): boolean
