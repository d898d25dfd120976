/** How a bundle's input is parted when the runner asks for it. */
export interface SplitWish {
  /** How much of what is left the bundle keeps: 0 to 1. */
  readonly fractionOfRemainder: number;
  /** Elements that the runner sends to the bundle in all. */
  readonly estimatedInputElements: number;
  /** Indices that may become the first element given back; empty: any. */
  readonly allowedSplitPoints: readonly number[];
}

/**
 * Index of the last element that a bundle keeps, undefined when nothing can be given back. Follows "Split" of Beam's Fn API: the element being
 * processed always stays, at least one element goes, and an earlier split is only ever moved to the front.
 *
 * @param current Index of the element being processed, -1 before the first
 * @param last Index of the last element to process as an earlier split set it, Infinity without one
 */
export function chooseSplit(current: number, last: number, wish: SplitWish): number | undefined {
  const end = Math.min(last, wish.estimatedInputElements - 1);
  if (current >= end) return undefined;
  const fraction = Math.min(1, Math.max(0, wish.fractionOfRemainder));
  const desired = Math.min(end - 1, Math.floor(current + (end - current) * fraction));
  if (wish.allowedSplitPoints.length === 0) return desired;
  let best: number | undefined;
  for (const point of wish.allowedSplitPoints) {
    const kept = point - 1;
    if (kept < current || kept >= end) continue;
    if (best === undefined || Math.abs(kept - desired) < Math.abs(best - desired)) best = kept;
  }
  return best;
}
