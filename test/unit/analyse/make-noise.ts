/** Seeded noise for simulations. */
import { randomStream } from '../../../harness/random.ts'

/** Standard normal numbers (Box & Muller). */
export function normals(seed: number): () => number {
  const random = randomStream(seed)
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export function sample(n: number, draw: () => number): number[] {
  return Array.from({ length: n }, draw)
}
