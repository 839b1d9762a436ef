export function withBlock(document: string, name: string, text: string, path: string): string
export function rewriteBetween(path: string, name: string, text: string): void
