/** All that JavaScript may call. */
export { addKey, categories, placeKeys } from './categories'
export {
  bodyMassIndex,
  decade,
  fillMeans,
  firstGap,
  lookUp,
  minus,
  month,
  oneHot,
  plus,
  respell,
  rookie,
  times,
  toRows,
  year,
} from './columns'
export { dates, months } from './dates'
export {
  clip,
  learnScale,
  margins,
  scaleTargets,
  sgdSteps,
  standardise,
  unscale,
} from './learning'
export { decoratedNumbers, looseNumbers, numbers, numbersAfter } from './numbers'
export { addGroups, addMoments, ridgePredictions } from './ridge'
export { split } from './split'

/** Where the memory is free. */
export function heapBase(): usize {
  return __heap_base
}
