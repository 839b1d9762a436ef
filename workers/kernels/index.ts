/** All that JavaScript may call. */
export { addKey, categories, findKey, placeKeys } from './categories'
export { dates, months } from './dates'
export { decoratedNumbers, looseNumbers, numbers, numbersAfter } from './numbers'
export { split } from './split'

/** Where the memory is free. */
export function heapBase(): usize {
  return __heap_base
}
