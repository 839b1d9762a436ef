/** What sections of a report are made of; Markdown and HTML render each kind. */

export interface Cell {
  text: string
  /** To sort by; absent for text. */
  value?: number | null
  tone?: 'good' | 'bad' | 'quiet'
}

export interface Table {
  head: string[]
  /** Columns of numbers, right-aligned. */
  numeric: boolean[]
  rows: Cell[][]
}

export interface ListItem {
  text: string
  tone?: 'good' | 'bad' | 'quiet'
  /** Must not be overlooked. */
  strong?: true
}

export type Block =
  | { kind: 'text'; text: string }
  | { kind: 'facts'; facts: [name: string, value: string][] }
  | { kind: 'table'; table: Table; note?: string }
  | { kind: 'list'; items: ListItem[] }
  | { kind: 'picture'; file: string; alt: string }
  | { kind: 'code'; lines: string[] }
  /** Folded in a page until the reader asks for it. */
  | { kind: 'details'; title: string; blocks: Block[] }

export interface Section {
  id: string
  title: string
  blocks: Block[]
}
