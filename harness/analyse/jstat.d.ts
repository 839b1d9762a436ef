/** The few functions of jStat, which ships no types, that `distributions.ts` uses. */
declare module 'jstat' {
  interface JStat {
    studentt: {
      /** P(T <= x) */
      cdf(x: number, df: number): number
      inv(p: number, df: number): number
    }
    normal: { inv(p: number, mean: number, sd: number): number }
    gammaln(x: number): number
  }
  const jStat: JStat
  export default jStat
}
