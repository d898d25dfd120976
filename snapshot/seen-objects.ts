/** Up to here a linear search is faster than a Map. */
const linearLimit = 16;

/** The objects of one value in the order in which they were met: their places are the numbers that references name. */
export class SeenObjects {
  private readonly first: (object | undefined)[] = [];
  private count = 0;
  /** All objects, once there are too many to look through. */
  private numbers: Map<object, number> | undefined;

  reset(): void {
    if (this.numbers) this.count = linearLimit;
    while (this.count > 0) this.first[--this.count] = undefined;
    this.numbers = undefined;
  }

  /** The number of an object that was met before, else -1, and from now on it has one. */
  add(object: object): number {
    const { first, count } = this;
    if (!this.numbers) {
      for (let i = 0; i < count; i++) if (first[i] === object) return i;
      if (count < linearLimit) {
        first[this.count++] = object;
        return -1;
      }
      this.numbers = new Map(first.map((one, number) => [one!, number]));
    }
    const number = this.numbers.get(object);
    if (number !== undefined) return number;
    this.numbers.set(object, this.count++);
    return -1;
  }

  has(object: object): boolean {
    return this.numbers ? this.numbers.has(object) : this.first.includes(object);
  }
}
