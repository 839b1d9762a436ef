/** Solves a symmetric positive definite system, the inner step of ridge. */

/** A pivot this small beside its own diagonal is rounding error: the column depends on earlier ones. */
const DEPENDENT = 1e-13

/**
 * Solves A x = b by Cholesky; `a` holds the lower triangle of the n x n matrix, row-major with rows of length n,
 * and is overwritten by the factor; `b` is overwritten by x. An unknown whose column depends on earlier ones
 * is set to 0. Left-looking by columns, four rows at a time so that four sums run side by side.
 */
export function solveCholesky(a: Float64Array, n: number, b: Float64Array): void {
  for (let j = 0; j < n; j += 1) {
    const rowJ = j * n
    const diagonal = a[rowJ + j]!
    let pivot = diagonal
    for (let k = 0; k < j; k += 1) pivot -= a[rowJ + k]! * a[rowJ + k]!
    if (!(pivot > DEPENDENT * diagonal)) {
      // A zero column and a zero diagonal take the unknown out of both substitutions.
      for (let i = j; i < n; i += 1) a[i * n + j] = 0
      continue
    }
    const root = Math.sqrt(pivot)
    a[rowJ + j] = root
    let i = j + 1
    for (; i + 3 < n; i += 4) {
      const r0 = i * n
      const r1 = r0 + n
      const r2 = r1 + n
      const r3 = r2 + n
      let s0 = a[r0 + j]!
      let s1 = a[r1 + j]!
      let s2 = a[r2 + j]!
      let s3 = a[r3 + j]!
      for (let k = 0; k < j; k += 1) {
        const l = a[rowJ + k]!
        s0 -= a[r0 + k]! * l
        s1 -= a[r1 + k]! * l
        s2 -= a[r2 + k]! * l
        s3 -= a[r3 + k]! * l
      }
      a[r0 + j] = s0 / root
      a[r1 + j] = s1 / root
      a[r2 + j] = s2 / root
      a[r3 + j] = s3 / root
    }
    for (; i < n; i += 1) {
      const r = i * n
      let sum = a[r + j]!
      for (let k = 0; k < j; k += 1) sum -= a[r + k]! * a[rowJ + k]!
      a[r + j] = sum / root
    }
  }
  for (let i = 0; i < n; i += 1) {
    const pivot = a[i * n + i]!
    let sum = b[i]!
    for (let k = 0; k < i; k += 1) sum -= a[i * n + k]! * b[k]!
    b[i] = pivot === 0 ? 0 : sum / pivot
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    const pivot = a[i * n + i]!
    const x = pivot === 0 ? 0 : b[i]! / pivot
    b[i] = x
    if (x !== 0) for (let k = 0; k < i; k += 1) b[k]! -= a[i * n + k]! * x
  }
}
